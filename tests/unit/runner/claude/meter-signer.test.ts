import { join } from 'node:path'
import t from 'tap'
import { UserError } from '../../../../src/base/errors.ts'
import { readMeterSigner } from '../../../../src/runner/claude/meter-signer.ts'

const key = 'k'.repeat(43)
const base = { ANTHROPIC_BASE_URL: 'http://gateway:8787' }

t.test('the key of the file signs for the placeholder of the environment', async t => {
  const file = join(t.testdir({ key: `${key}\n` }), 'key')
  for (const name of ['ANTHROPIC_API_KEY', 'CLAUDE_CODE_OAUTH_TOKEN']) {
    t.same(readMeterSigner({ ...base, [name]: 'p' }, file), { placeholder: 'p', key })
  }
})

t.test('without a key, a placeholder or a gateway nothing is signed', async t => {
  const file = join(t.testdir({ key }), 'key')
  t.equal(readMeterSigner({ ...base, ANTHROPIC_API_KEY: 'p' }, undefined), null)
  t.equal(readMeterSigner(base, file), null)
  const direct = { ANTHROPIC_BASE_URL: 'https://api.anthropic.com', ANTHROPIC_API_KEY: 'sk-own' }
  t.equal(readMeterSigner(direct, file), null)
})

t.test('a key that is announced and cannot be read stops the runner', async t => {
  const folder = t.testdir({ short: 'k', folder: {} })
  for (const name of ['short', 'folder', 'missing']) {
    t.throws(
      () => readMeterSigner({ ...base, ANTHROPIC_API_KEY: 'p' }, join(folder, name)),
      UserError,
      name,
    )
  }
})
