import t from 'tap'
import { createProtectedNames, protectedNameOf } from '../../../src/workspace/protected-paths.ts'

t.test('what the host runs by itself, at any depth', async t => {
  for (const [path, name] of [
    ['.envrc', '.envrc'],
    ['sub/.vscode/tasks.json', '.vscode'],
    ['.claude/settings.local.json', '.claude'],
    ['.claude/hooks/x', '.claude'],
    ['a/.git', '.git'],
  ] as const) {
    t.equal(protectedNameOf(path), name, path)
  }
})

t.test('what a person reads in the difference comes back', async t => {
  for (const path of ['.claude/commands/x.md', '.claude/agents/x.md', 'vscode/x', '.gitignore']) {
    t.equal(protectedNameOf(path), null, path)
  }
})

t.test('a link in the place of a folder brings what is in another', async t => {
  for (const name of ['.claude', '.vscode', '.husky']) t.equal(protectedNameOf(name), name)
})

t.test('file systems that fold names know it in every notation', async t => {
  for (const [path, name] of [
    ['.GIT/config', '.git'],
    ['.V\u017fCODE/tasks.json', '.vscode'],
    ['.g\u200cit/config', '.git'],
    ['.\uff47it/config', '.git'],
    ['.claude/\u017fettings.json', '.claude'],
    ['.env\ufeffrc', '.envrc'],
  ] as const) {
    t.equal(protectedNameOf(path), name, JSON.stringify(path))
  }
})

t.test('names of PROTECT_ALSO are withheld at any depth, as the text that they are', async t => {
  const nameOf = createProtectedNames(['.tool', 'a+b'])
  t.equal(nameOf('sub/.TOOL/x'), '.tool')
  t.equal(nameOf('a+b'), 'a+b')
  t.equal(nameOf('aab'), null)
  t.equal(nameOf('xtool'), null)
  t.equal(nameOf('.cursor/hooks.json'), '.cursor')
  t.equal(protectedNameOf('.tool'), null)
})
