import t from 'tap'
import { isModelOfClaude, refuseTool, toolNames } from '../../../src/run/claude-names.ts'

t.test('aliases and the ids of every upstream are models of Claude', async t => {
  for (const name of [
    ...['default', 'best', 'opus', 'Opus', 'sonnet', 'haiku', 'fable', 'opusplan', 'inherit'],
    ...['sonnet[1m]', 'opus[1m]', 'claude-opus-5-5', 'claude-sonnet-4-5@20250929'],
    ...['us.anthropic.claude-sonnet-4-5-20250929-v1:0', 'anthropic/claude-opus-5-5'],
    'arn:aws:bedrock:eu-west-1:123456789012:inference-profile/abc',
  ]) {
    t.ok(isModelOfClaude(name), name)
  }
})

t.test('other names are not', async t => {
  for (const name of [
    'sonet',
    'opus5',
    'gpt-5',
    'claude',
    'claude-',
    'my-claude-x',
    'opus[2m]',
    '',
  ]) {
    t.notOk(isModelOfClaude(name), name)
  }
  t.notOk(isModelOfClaude('inherit[1m]'))
})

t.test('the tools of Claude Code pass, in their own spelling', async t => {
  for (const name of toolNames) t.equal(refuseTool(name), null, name)
  t.equal(refuseTool('bash'), 'unknown')
  t.equal(refuseTool('MultiEdit'), 'unknown')
  t.equal(refuseTool('--dangerous'), 'unknown')
})

t.test('a rule and a tool of an MCP server have reasons of their own', async t => {
  for (const name of ['Bash(git:*)', 'Bash(git', '*)', 'mcp__*']) {
    t.equal(refuseTool(name), 'pattern', name)
  }
  t.equal(refuseTool('mcp__github__search'), 'mcp')
})
