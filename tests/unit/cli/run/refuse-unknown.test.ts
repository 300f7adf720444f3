import t from 'tap'
import { refuseUnknownModel, refuseUnknownTools } from '../../../../src/cli/run/refuse-unknown.ts'

t.test('a model that Claude does not have is refused, with the nearest name', async t => {
  await t.rejects(
    refuseUnknownModel('sonet', async () => false),
    { message: '--model sonet is not a model of Claude', hint: /mean sonnet\?/, exitCode: 2 },
  )
  await t.rejects(
    refuseUnknownModel('gpt-5-turbo', async () => false),
    { message: /^--model gpt-5-turbo is not/, hint: /^use opus, sonnet, haiku/ },
  )
  await t.resolves(
    refuseUnknownModel('gpt-5-turbo', async () => true),
    'an upstream has its own',
  )
  const asked = () => Promise.reject(new Error('settings were read'))
  await t.resolves(refuseUnknownModel('claude-opus-5-5', asked), 'a usual name costs nothing')
})

t.test('a tool that Claude Code would ignore is refused with its reason', async t => {
  const refusal = (...names: string[]) => {
    try {
      refuseUnknownTools(names)
    } catch (error) {
      return error
    }
    return null
  }
  t.equal(refusal('Bash', 'Read'), null)
  t.equal(refusal(), null)
  t.match(refusal('Read', 'bash'), {
    message: '--tools bash is not a tool of Claude Code',
    hint: /did you mean Bash\?/,
    exitCode: 2,
  })
  t.match(refusal('Bash(git:*)'), { message: /--tools Bash\(git:\*\) is a permission rule/ })
  t.match(refusal('mcp__x__y'), { message: /tool of an MCP server/, hint: /MCP_SERVERS/ })
  t.notMatch(String(refusal('\x1b]0;owned\x07')), /\x1b|\x07/)
})
