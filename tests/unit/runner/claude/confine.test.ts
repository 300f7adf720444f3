import { spawnSync } from 'node:child_process'
import { closeSync, renameSync, symlinkSync } from 'node:fs'
import t from 'tap'
import { openRootSync } from '../../../../src/files/beneath.ts'
import {
  addedMounts,
  canConfine,
  confineCommand,
  heldWorkspace,
} from '../../../../src/runner/claude/confine.ts'

const workspace = { path: '/workspaces/a:b', key: 'k', home: '/homes/k', temporary: '/tmp/k' }
const rulesOf = (words: string[]) =>
  new Map(
    words.flatMap(word => {
      const [, access, path] = /^--landlock-rule=path-beneath:([^:]*):(.*)$/.exec(word) ?? []
      return access && path ? [[path, access]] : []
    }),
  )
const always = () => 'folder' as const

t.test('one of several workspaces has only its own folders, not the shared ones', async t => {
  const words = confineCommand(workspace, { alone: false, mounts: ['/data'] }, always)
  t.equal(words[0], '/usr/bin/setpriv')
  t.equal(words.at(-1), '--')
  const rules = rulesOf(words)
  for (const path of [heldWorkspace, '/homes/k', '/tmp/k', '/data']) {
    t.match(rules.get(path), /write-file/, path)
  }
  // Its path can lead elsewhere by the time of the rule.
  t.notOk(rules.has(workspace.path))
  for (const path of ['/', '/tmp', '/dev/shm', '/run', '/home/claude', '/workspaces', '/dev']) {
    t.notOk(rules.has(path), path)
  }
  for (const path of ['/usr', '/etc', '/proc'])
    t.equal(rules.get(path), 'execute,read-file,read-dir')
  t.equal(rules.get('/dev/null'), 'read-file,write-file,truncate')
})

const skip = !canConfine() && 'this kernel has no Landlock, or setpriv does not know it'

t.test('the workspace is the held one, whatever its path leads to', { skip }, t => {
  const folder = t.testdir({ own: { file: 'own' }, other: { file: 'other' } })
  const descriptor = openRootSync(`${folder}/own`)
  renameSync(`${folder}/own`, `${folder}/moved`)
  symlinkSync(`${folder}/other`, `${folder}/own`)
  const own = { path: `${folder}/own`, key: 'k', home: '/none', temporary: '/none' }
  const [program = '', ...args] = confineCommand(own, { alone: false, mounts: [] })
  const read = (path: string) =>
    spawnSync(program, [...args, '/usr/bin/cat', path], {
      stdio: ['ignore', 'pipe', 'ignore', 'ignore', descriptor],
      encoding: 'utf8',
    }).stdout
  t.equal(read(`${folder}/moved/file`), 'own')
  t.equal(read(`${folder}/own/file`), '')
  closeSync(descriptor)
  t.end()
})

t.test('the only workspace has the shared folders, and may list the root folder', async t => {
  const rules = rulesOf(confineCommand(workspace, { alone: true, mounts: [] }, always))
  t.match(rules.get('/tmp'), /write-file/)
  // A run can put a link in its place.
  t.notOk(rules.has('/tmp/k'))
  t.equal(rules.get('/'), 'read-dir')
  t.notOk(rules.has('/run'))
})

t.test('the only workspace has its temporary folder if no run can replace it', async t => {
  const elsewhere = { ...workspace, temporary: '/homes/.tmp/k' }
  const rules = rulesOf(confineCommand(elsewhere, { alone: true, mounts: [] }, always))
  t.match(rules.get('/homes/.tmp/k'), /execute,write-file/)
  t.match(rules.get('/tmp'), /write-file/)
  t.notOk(rules.has('/homes/.tmp'))
})

t.test(
  'a mounted file gets the rights of a file, because the kernel refuses those of a folder',
  async t => {
    const mounts = ['/data', '/workspace.git/worktrees/x/gitdir']
    const rules = rulesOf(
      confineCommand(workspace, { alone: true, mounts }, path =>
        path.endsWith('/gitdir') ? 'file' : 'folder',
      ),
    )
    t.equal(rules.get('/workspace.git/worktrees/x/gitdir'), 'execute,write-file,read-file,truncate')
    t.match(rules.get('/data'), /make-dir/)
  },
)

t.test('the kernel accepts the rules for a folder and for a file', { skip }, t => {
  const folder = t.testdir({ data: {}, file: 'content' })
  const mounts = [`${folder}/data`, `${folder}/file`, '/no/such/path']
  const own = { path: folder, key: 'k', home: `${folder}/data`, temporary: `${folder}/data` }
  const [program = '', ...args] = confineCommand(own, { alone: true, mounts })
  const { status, stderr } = spawnSync(program, [...args, '/usr/bin/true'], { encoding: 'utf8' })
  t.equal(stderr, '')
  t.equal(status, 0)
  t.end()
})

t.test('a missing path gets no rule, which setpriv would refuse', async t => {
  const rules = rulesOf(confineCommand(workspace, { alone: true, mounts: [] }, () => null))
  t.equal(rules.size, 0)
})

t.test('added mounts are distinguished from those of the stack', async t => {
  const line = (path: string) => `36 35 98:0 /mnt1 ${path} rw,noatime master:1 - ext3 /dev/root rw`
  const own = [
    '/',
    '/proc',
    '/proc/sys',
    '/dev/pts',
    '/sys/fs/cgroup',
    '/run',
    '/tmp',
    '/etc/hosts',
    '/home/claude',
    '/workspace',
    '/workspace/.git/hooks',
    '/workspaces',
  ]
  const added = [
    '/data',
    '/mnt/a\\040b',
    '/workspace2',
    '/workspace.git',
    '/home/claude2',
    '/tmpfs',
    '/opt/configs',
    '/tmp/data',
  ]
  t.strictSame(addedMounts([...own, ...added].map(line).join('\n')), [
    '/data',
    '/mnt/a b',
    '/workspace2',
    '/workspace.git',
    '/home/claude2',
    '/tmpfs',
    '/opt/configs',
    '/tmp/data',
  ])
})

t.test('kernel support is determined by a trial', async t => {
  t.type(canConfine(), 'boolean')
})
