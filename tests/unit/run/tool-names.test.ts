import t from 'tap'
import { refuseTool, toolNames } from '../../../src/run/tool-names.ts'

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
