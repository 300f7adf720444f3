import t from 'tap'
import { credentialKind, wrongForm } from '../../../src/config/credential-form.ts'

t.test('a kind follows from the prefix', async t => {
  t.equal(credentialKind('sk-ant-api03-x'), 'API key')
  t.equal(credentialKind('sk-ant-oat01-x'), 'OAuth token')
  t.equal(credentialKind('sk-ant-admin01-x'), 'admin key')
  t.equal(credentialKind('sk-ant-ort01-x'), 'refresh token')
  t.equal(credentialKind('another'), null)
})

t.test('a whole credential of the right or an unknown kind passes', async t => {
  t.equal(wrongForm('ANTHROPIC_API_KEY', 'sk-ant-api03-abcd'), null)
  t.equal(wrongForm('CLAUDE_CODE_OAUTH_TOKEN', 'sk-ant-oat01-abcd'), null)
  t.equal(wrongForm('ANTHROPIC_API_KEY', 'x'.repeat(16)), null)
})

t.test('a swapped or cut credential is refused with the next step', async t => {
  t.match(wrongForm('ANTHROPIC_API_KEY', 'sk-ant-oat01-abcd'), {
    message: 'its value is an OAuth token, not an API key',
    hint: 'move it to CLAUDE_CODE_OAUTH_TOKEN',
  })
  t.match(wrongForm('CLAUDE_CODE_OAUTH_TOKEN', 'sk-ant-ort01-abcd'), {
    message: 'its value is a refresh token, not an OAuth token',
    hint: 'set CLAUDE_CODE_OAUTH_TOKEN to an OAuth token',
  })
  t.match(wrongForm('ANTHROPIC_API_KEY', 'x'.repeat(15)), {
    message: /15 characters.* at least 16/,
  })
})
