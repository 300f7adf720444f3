import { execFile } from 'node:child_process'
import { chmod, mkdir, mkdtemp, rm, symlink, truncate, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { Worker } from 'node:worker_threads'
import t, { type Test } from 'tap'
import { command } from '../../../src/base/command.ts'
import {
  compareHostFiles,
  hostFileChanges,
  hostFilesPath,
  renderHostFileChanges,
  renderHostFiles,
  scanWithRepository,
} from '../../../src/workspace/host-files/changes.ts'
import { scanHostFiles } from '../../../src/workspace/host-files/scan.ts'
import { memoryFolder } from '../../support/memory-folder.ts'
import { reachable } from '../../support/reachable-folder.ts'
import { repetitions } from '../../support/soak.ts'

type Folder = { [name: string]: string | Folder }

/** What is told after `change` was done in a folder with `before` in it. */
async function told(t: Test, before: Folder, change: (folder: string) => Promise<unknown>) {
  const folder = t.testdir({ workspace: before, state: {} })
  const [workspace, state] = [join(folder, 'workspace'), join(folder, 'state')]
  await writeFile(hostFilesPath(state), renderHostFiles(await scanHostFiles(workspace)))
  t.same(await hostFileChanges(state, workspace), [], 'nothing changed yet')
  await change(workspace)
  return (await hostFileChanges(state, workspace)).map(
    ({ path, kind, detail }) => `${path} ${detail || kind}`,
  )
}

t.test('what tools run is told by name; source code and what they keep is not', async t => {
  const lines = await told(t, { Makefile: 'all:', src: {}, '.github': {} }, async folder => {
    await writeFile(join(folder, 'Makefile'), 'all: evil')
    for (const path of [
      'src/a.ts',
      'readme.md',
      'node_modules/x/Makefile',
      '.github/workflows/ci.yml',
      'deep/down/conftest.py',
      'deep/.vscode/tasks.json',
      'CLAUDE.md',
      'vite.config.ts',
      'run.sh',
    ]) {
      await mkdir(join(folder, path, '..'), { recursive: true })
      await writeFile(join(folder, path), 'x')
    }
  })
  t.same(lines, [
    '.github/workflows/ci.yml new',
    'CLAUDE.md new',
    'Makefile changed',
    'deep/.vscode/tasks.json new',
    'deep/down/conftest.py new',
    'run.sh new',
    'vite.config.ts new',
  ])
})

t.test('of package.json only the parts that run something', async t => {
  const json = { name: 'x', version: '1', scripts: { test: 'a', build: 'b' } }
  const change = (value: object) => (folder: string) =>
    writeFile(join(folder, 'package.json'), JSON.stringify(value))
  const before = { 'package.json': JSON.stringify(json) }
  t.same(await told(t, before, change({ ...json, version: '2', description: 'y' })), [])
  t.same(
    await told(
      t,
      before,
      change({ ...json, scripts: { test: 'evil', build: 'b' }, dependencies: { e: '1' } }),
    ),
    ['package.json dependencies, scripts.test'],
  )
  t.same(await told(t, before, folder => writeFile(join(folder, 'package.json'), '{')), [
    'package.json changed',
  ])
})

t.test('repositories below the folder, bare ones too; a rebase that waits to go on', async t => {
  const lines = await told(t, { '.git': { HEAD: '', objects: {}, refs: {} } }, async folder => {
    const git = (...args: string[]) => promisify(execFile)('git', ['init', '-q', ...args])
    await git(join(folder, 'sub'))
    await git('--bare', join(folder, 'bare'))
    await writeFile(join(folder, 'sub/.git/hooks/post-checkout'), '')
    await mkdir(join(folder, 'linked'))
    await writeFile(join(folder, 'linked/.git'), 'gitdir: ../x')
    await mkdir(join(folder, '.git/rebase-merge'))
    await writeFile(join(folder, '.git/rebase-merge/git-rebase-todo'), 'exec evil')
  })
  t.same(lines, [
    '.git/rebase-merge/git-rebase-todo new',
    'bare/config new',
    'linked/.git new',
    'sub/.git/config new',
    'sub/.git/hooks/post-checkout new',
  ])
})

t.test('a new mode or a link counts; a pipe holds nothing up', async t => {
  const lines = await told(t, { tool: 'x', 'a.mk': '' }, async folder => {
    await chmod(join(folder, 'tool'), 0o755)
    await rm(join(folder, 'a.mk'))
    await symlink('/etc/passwd', join(folder, 'a.mk'))
    await promisify(execFile)('mkfifo', [join(folder, 'Makefile')])
  })
  t.same(lines, ['Makefile new', 'a.mk changed', 'tool new'])
})

t.test('a large file that changes behind the part that is read is told', async t => {
  const text = 'x'.repeat(1024 * 1024)
  const lines = await told(t, { Makefile: `${text}a` }, folder =>
    writeFile(join(folder, 'Makefile'), `${text}b`),
  )
  t.same(lines, ['Makefile changed'])
})

t.test('a scan that meets a bound says so, and does not call the rest new', async t => {
  const folder = t.testdir({ a: { Makefile: '' }, b: { Makefile: '' }, c: { Makefile: '' } })
  const bounds = { entries: 4, milliseconds: 60_000, fileBytes: 1024 }
  const cut = await scanHostFiles(folder, bounds)
  t.match(cut.cutOff, /more than 4 files/)
  const whole = await scanHostFiles(folder)
  t.same(compareHostFiles(cut, whole), [
    { path: '.', kind: 'not checked', detail: 'there are more than 4 files' },
  ])
  t.same(
    compareHostFiles(whole, cut).map(({ kind }) => kind),
    ['not checked'],
    'nor what was not reached removed',
  )
})

t.test('a folder that its owner cannot read any more is told', async t => {
  const sub = { '.git': { HEAD: '', objects: {}, refs: {} } }
  const folder = await reachable(t, t.testdir({ kept: {}, sub }))
  const isRoot = process.geteuid?.() === 0
  await chmod(join(folder, 'kept'), 0o111)
  // Root may read every folder.
  if (isRoot) await promisify(execFile)('chown', ['-R', '65534', folder])
  if (isRoot) process.seteuid?.(65_534)
  try {
    const before = await scanHostFiles(folder)
    await writeFile(join(folder, 'sub/.git/config'), '[core]\nfsmonitor = evil')
    await chmod(join(folder, 'sub'), 0o111)
    t.same(renderHostFileChanges(compareHostFiles(before, await scanHostFiles(folder))), [
      'read before you run anything here: not all files were checked: you cannot read the folder sub',
    ])
    await chmod(folder, 0o311)
    const [line] = renderHostFileChanges(compareHostFiles(before, await scanHostFiles(folder)))
    t.match(line, 'you cannot read the folder .')
  } finally {
    if (isRoot) process.seteuid?.(0)
  }
})

t.test('files that take long to read do not hold up the report', async t => {
  const folder = t.testdir(
    Object.fromEntries(Array.from({ length: 40 }, (_, n) => [`${n}.mk`, ''])),
  )
  for (let file = 0; file < 40; file++) await truncate(join(folder, `${file}.mk`), 1024 ** 3)
  const bounds = { entries: 100, milliseconds: 5, fileBytes: 16 * 1024 * 1024 }
  const { files, cutOff } = await scanHostFiles(folder, bounds)
  t.match(cutOff, /it took more than/)
  t.ok(files.size < 40, 'not all were read')
})

t.test('at most ten lines, cleaned, and where the rest is', async t => {
  const changes = Array.from({ length: 14 }, (_, index) => ({
    path: `${index}/\x1b]0;x\x07Make\nfile`,
    kind: 'new' as const,
    detail: '',
  }))
  const lines = renderHostFileChanges(changes)
  t.equal(lines.length, 11)
  t.equal(lines[0], 'read before you run anything here: 0/Make file (new)')
  t.equal(lines.at(-1), `  and 4 more: ${command('audit')}`)
  t.same(renderHostFileChanges([]), [])
  t.same(renderHostFileChanges([{ path: 'x', kind: 'removed', detail: '' }]), [])
})

t.test('nothing noted, nothing told', async t => {
  t.same(await hostFileChanges(t.testdir({}), '/'), [])
})

t.test('a folder that is swapped for a link meanwhile leads nowhere (H2)', async t => {
  const folder = await mkdtemp(join(memoryFolder(), 'claude-secure-scan-'))
  t.teardown(() => rm(folder, { recursive: true, force: true }))
  const workspace = join(folder, 'workspace')
  await mkdir(join(workspace, 'real'), { recursive: true })
  await mkdir(join(folder, 'outside'))
  await writeFile(join(workspace, 'real/Makefile'), 'inside')
  await writeFile(join(folder, 'outside/Makefile'), 'OUTSIDE, and longer than what is inside')
  // A thread swaps far more often than a shell, which starts a program for each step.
  const swapper = new Worker(
    `const { renameSync, symlinkSync, unlinkSync } = require('node:fs')
    const { real, kept } = require('node:worker_threads').workerData
    for (;;) {
      renameSync(real, kept)
      symlinkSync('../outside', real)
      unlinkSync(real)
      renameSync(kept, real)
    }`,
    { eval: true, workerData: { real: join(workspace, 'real'), kept: join(workspace, 'kept') } },
  )
  t.teardown(() => swapper.terminate())
  const seen = new Set<string>()
  const looks = repetitions({ short: 250, full: 5_000 })
  // On a busy machine, goes on until the file was in its place once.
  for (let look = 0; look < looks || (look < 20 * looks && !seen.has('6')); look++) {
    const { files } = await scanHostFiles(workspace)
    const found = files.get('real/Makefile')
    if (found !== undefined) seen.add(String(found).split(' ')[0] ?? '')
  }
  await swapper.terminate()
  t.ok(seen.has('6'), 'the file itself was seen')
  t.notOk(seen.has('39'), 'the one outside was not')
})

t.test('a repository outside the workspace is scanned too, and named by its path', async t => {
  const folder = t.testdir({
    state: {},
    w: { '.git': 'gitdir: ../repo/.git/worktrees/w\n' },
    repo: {
      '.git': {
        ...{ HEAD: '', config: '', objects: {}, refs: {}, hooks: {} },
        worktrees: { w: { HEAD: '', gitdir: '', commondir: '' } },
      },
    },
  })
  const [workspace, state] = [join(folder, 'w'), join(folder, 'state')]
  const repository = join(folder, 'repo/.git')
  const before = await scanWithRepository(workspace, repository)
  await writeFile(hostFilesPath(state), renderHostFiles(before, repository))
  t.same(await hostFileChanges(state, workspace), [])
  await mkdir(join(repository, 'worktrees/w/rebase-merge'))
  await writeFile(join(repository, 'worktrees/w/rebase-merge/git-rebase-todo'), 'exec evil\n')
  await writeFile(join(repository, 'hooks/post-commit'), '#!/bin/sh\n')
  await writeFile(join(repository, 'COMMIT_EDITMSG'), 'one\n')
  t.same(
    (await hostFileChanges(state, workspace)).map(({ path, kind }) => `${path} ${kind}`),
    [
      `${repository}/hooks/post-commit new`,
      `${repository}/worktrees/w/rebase-merge/git-rebase-todo new`,
    ],
  )
})
