import { execFileSync } from 'node:child_process'
import {
  chmodSync,
  existsSync,
  mkdirSync,
  readFileSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { forget } from '../../../../src/stack/inside/forget.ts'
import { childProgram } from '../../../support/child-program.ts'
import { deepFolder } from '../../../support/deep-folder.ts'

const config = {
  userID: 'kept',
  projects: {
    '/workspace': {
      hasTrustDialogAccepted: true,
      history: ['a secret plan'],
      lastSessionId: 'x',
      lastCost: 1,
    },
    '/odd': null,
  },
}

const conversation = () => ({
  '.credentials.json': 'the login',
  'settings.json': '{}',
  'CLAUDE.md': 'my wishes',
  skills: { mine: { 'SKILL.md': 'x' } },
  projects: { '-workspace': { 'a.jsonl': 'a secret plan', memory: { 'MEMORY.md': 'a plan' } } },
  todos: { 'a.json': '[]' },
  'shell-snapshots': { 's.sh': '' },
  'file-history': { a: { b: '' } },
  backups: { '.claude.json.backup.1': 'a secret plan' },
  'history.jsonl': 'a secret plan',
})

t.test('conversations go; login, settings and everything else stay', async t => {
  const home = t.testdir({
    '.claude.json': JSON.stringify(config),
    '.claude': conversation(),
    '.npmrc': 'kept',
    projects: { 'not-claude-codes': '' },
    workspaces: {
      'workspace-1a2b': {
        '.claude': { ...conversation(), '.claude.json': JSON.stringify(config) },
      },
      'no-home': {},
    },
  })
  forget(home)
  for (const folder of [home, join(home, 'workspaces/workspace-1a2b')]) {
    const kept = ['.credentials.json', 'settings.json', 'CLAUDE.md', 'skills/mine/SKILL.md']
    for (const name of kept) t.ok(existsSync(join(folder, '.claude', name)), name)
    const gone = ['projects', 'todos', 'shell-snapshots', 'file-history', 'backups']
    for (const name of [...gone, 'history.jsonl']) {
      t.notOk(existsSync(join(folder, '.claude', name)), name)
    }
  }
  t.ok(existsSync(join(home, '.npmrc')))
  t.ok(existsSync(join(home, 'projects/not-claude-codes')))
  for (const path of ['.claude.json', 'workspaces/workspace-1a2b/.claude/.claude.json']) {
    t.same(JSON.parse(readFileSync(join(home, path), 'utf8')), {
      userID: 'kept',
      projects: { '/workspace': { hasTrustDialogAccepted: true }, '/odd': null },
    })
  }
  t.throws(() => execFileSync('grep', ['-r', 'secret plan', home]), 'no word of it is left')
})

t.test('no link is followed, and odd things are neither read nor in the way', async t => {
  const home = t.testdir({ '.claude': {}, elsewhere: { projects: { kept: '' }, file: 'kept' } })
  const other = join(home, 'elsewhere')
  symlinkSync(join(other, 'projects'), join(home, '.claude/projects'))
  symlinkSync(join(other, 'file'), join(home, '.claude/history.jsonl'))
  symlinkSync('/etc/passwd', join(home, '.claude.json'))
  execFileSync('mkfifo', [join(home, '.claude/.claude.json'), join(home, '.claude/todos')])
  mkdirSync(join(home, 'workspaces'))
  symlinkSync(other, join(home, 'workspaces/x'))
  symlinkSync(other, join(other, '.claude'))
  forget(home)
  t.ok(existsSync(join(other, 'projects/kept')))
  t.ok(existsSync(join(other, 'file')))
  t.notOk(existsSync(join(home, '.claude/projects')))
  t.notOk(existsSync(join(home, '.claude/todos')))
})

t.test('a config that is no JSON object stays as it is', async t => {
  for (const text of ['{', '[]', 'null', '"projects"']) {
    const home = t.testdir({ '.claude.json': text })
    forget(home)
    t.equal(readFileSync(join(home, '.claude.json'), 'utf8'), text)
  }
})

t.test('folders that their owner may not write go too', async t => {
  const home = t.testdir({ '.claude': { projects: { a: { b: 'c' } } } })
  const inner = join(home, '.claude/projects/a')
  writeFileSync(join(inner, 'd'), '')
  chmodSync(inner, 0o500)
  // As an ordinary user: root is kept from nothing.
  if (process.getuid?.() === 0) execFileSync('chown', ['-R', '65534:65534', home])
  const program = `import { forget } from ${JSON.stringify(join(import.meta.dirname, '../../../../src/stack/inside/forget.ts'))}; forget(${JSON.stringify(home)})`
  const user = process.getuid?.() === 0 ? { uid: 65534, gid: 65534 } : {}
  execFileSync(process.execPath, [await childProgram(t, program)], user)
  t.notOk(existsSync(join(home, '.claude/projects')))
})

t.test('nothing there is nothing to do', async t => {
  forget(join(t.testdir(), 'none'))
  t.pass('no error')
})

t.test('a closed home is opened, and its conversations go', async t => {
  const home = t.testdir({
    '.claude': conversation(),
    workspaces: { 'workspace-1a2b': { '.claude': conversation() } },
  })
  const closed = ['workspaces/workspace-1a2b/.claude', 'workspaces/workspace-1a2b', 'workspaces']
  for (const path of [...closed, '.claude', '.']) chmodSync(join(home, path), 0)
  forget(home)
  for (const path of [...closed, '.claude', '.']) {
    t.equal(statSync(join(home, path)).mode & 0o700, 0o700, path)
  }
  for (const folder of ['.claude', 'workspaces/workspace-1a2b/.claude']) {
    t.notOk(existsSync(join(home, folder, 'projects')))
  }
})

t.test('conversations that no path reaches go too', async t => {
  const home = t.testdir({ '.claude': { agent: '', 'agent-memory': {}, projects: { x: '' } } })
  deepFolder(join(home, '.claude/agent-memory'), 'echo secret plan > x; mkdir shut; chmod 0 shut')
  forget(home)
  t.notOk(existsSync(join(home, '.claude/agent-memory')))
  t.notOk(existsSync(join(home, '.claude/projects')), 'nor does it stop at the first one')
  t.ok(existsSync(join(home, '.claude/agent')))
})
