import { execFileSync } from 'node:child_process'
import {
  chmodSync,
  chownSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { makeFolder, openOwn, putAside, repairHome } from '../../../../src/runner/claude/repair.ts'
import { until } from '../../../support/stack/process.ts'

const modeOf = (path: string) => statSync(path).mode & 0o7777

function workspaceIn(t: Test) {
  const root = t.testdir({ workspace: {}, claude: {} })
  const at = (path: string) => join(root, path)
  const workspace = {
    path: at('workspace'),
    key: 'w-1',
    home: at('claude/workspaces/w-1'),
    temporary: at('claude/.tmp/w-1'),
  }
  repairHome(workspace)
  return { at, workspace }
}

t.test('everything that a run can close is opened to its owner, and no wider', async t => {
  const { at, workspace } = workspaceIn(t)
  mkdirSync(at('claude/workspaces/w-1/.claude/projects/-workspace'), { recursive: true })
  writeFileSync(at('claude/workspaces/w-1.session'), 'x')
  const expected = {
    'claude/workspaces/w-1/.claude/projects/-workspace': 0o700,
    'claude/workspaces/w-1/.claude/projects': 0o700,
    'claude/workspaces/w-1/.claude': 0o700,
    'claude/workspaces/w-1': 0o700,
    'claude/workspaces/w-1.session': 0o600,
    'claude/workspaces': 0o700,
    'claude/.tmp/w-1': 0o700,
    'claude/.tmp': 0o700,
    claude: 0o700,
    workspace: 0o500,
  }
  for (const path of Object.keys(expected)) chmodSync(at(path), 0)
  repairHome(workspace)
  for (const [path, mode] of Object.entries(expected)) t.equal(modeOf(at(path)), mode, path)
})

t.test('a mode that suffices is kept', async t => {
  const { at, workspace } = workspaceIn(t)
  chmodSync(at('workspace'), 0o555)
  chmodSync(at('claude/workspaces/w-1'), 0o2770)
  repairHome(workspace)
  t.equal(modeOf(at('workspace')), 0o555)
  t.equal(modeOf(at('claude/workspaces/w-1')), 0o2770)
})

t.test('everything else in place of a folder is moved aside', async t => {
  const makers: Record<string, (path: string) => void> = {
    file: path => writeFileSync(path, 'x'),
    symlink: path => symlinkSync('/etc', path),
    pipe: path => execFileSync('mkfifo', [path]),
  }
  for (const [what, make] of Object.entries(makers)) {
    const root = t.testdir({})
    const folder = join(root, 'folder')
    make(folder)
    makeFolder(folder)
    t.strictSame(readdirSync(folder), [], what)
    t.strictSame(readdirSync(root).sort(), ['folder', 'folder.damaged'])
  }
})

t.test('one earlier state is kept, and a closed one before it is removed', async t => {
  const root = t.testdir({ file: 'second', 'file.damaged': { closed: { x: 'first' } } })
  chmodSync(join(root, 'file.damaged/closed'), 0)
  putAside(join(root, 'file'))
  t.equal(readFileSync(join(root, 'file.damaged'), 'utf8'), 'second')
  await until('the removal', async () => readdirSync(root).length === 1)
})

t.test('a symlink is not followed, and what is missing stays so', async t => {
  const root = t.testdir({ target: {} })
  chmodSync(join(root, 'target'), 0)
  symlinkSync(join(root, 'target'), join(root, 'link'))
  openOwn(join(root, 'link'))
  t.equal(modeOf(join(root, 'target')), 0)
  openOwn(join(root, 'missing'))
  t.notOk(existsSync(join(root, 'missing')))
})

t.test(
  'what belongs to another user is left',
  { skip: process.getuid?.() !== 0 && 'only root can make files of another user' },
  async t => {
    const folder = join(t.testdir({ folder: {} }), 'folder')
    chmodSync(folder, 0)
    chownSync(folder, 4242, 4242)
    openOwn(folder)
    t.equal(modeOf(folder), 0)
  },
)
