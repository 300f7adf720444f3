import { chmod, mkdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import t from 'tap'
import { temporaryFolder } from '../support/stack/checkout.ts'
import { must, run } from '../support/stack/process.ts'
import { createTestStack, owner, removeStack } from '../support/stack/test-stack.ts'

// Folders whose `.git` is a file: the repository is beside or above them.
const stack = await createTestStack(t, {
  start: false,
  // Two stacks at a time, and no internet.
  settings: { EXTERNAL_SUBNET: '', PROXY_DNS: '' },
})
const top = await temporaryFolder(t, 'repositories')
await chmod(top, 0o755)
await must('chown', [`${owner}:${owner}`, top])
const asOwner = ['--reuid', `${owner}`, '--regid', `${owner}`, '--clear-groups']
const identity = ['-c', 'user.name=me', '-c', 'user.email=me@host.test']
const hostEnv = { PATH: process.env.PATH, HOME: '/nonexistent' }
const git = (folder: string, ...args: string[]) =>
  must('setpriv', [...asOwner, 'git', ...identity, '-c', 'protocol.file.allow=always', ...args], {
    cwd: join(top, folder),
    env: hostEnv,
  })

await git('.', 'init', '--quiet', '--initial-branch=main', 'repo')
await writeFile(join(top, 'repo/a.txt'), 'one\n')
await git('repo', 'add', '.')
await git('repo', 'commit', '--quiet', '--message=one')
await git('repo', 'worktree', 'add', '--quiet', '-b', 'topic', '../linked')
await git('repo', 'worktree', 'add', '--quiet', '-b', 'other', '../other')
await writeFile(join(top, 'other/private.txt'), 'of the other worktree\n')
await git('.', 'init', '--quiet', 'super')
await git('super', 'submodule', '--quiet', 'add', join(top, 'repo'), 'lib')
await git('super', 'commit', '--quiet', '--message=lib')

await git('.', 'clone', '--quiet', 'super', 'worktrees')
await git('worktrees', 'worktree', 'add', '--quiet', '-b', 'deep', '../deep')
await git('deep', 'submodule', '--quiet', 'update', '--init')

/** The control script in a folder, and a shell in the container of its stack. */
async function inFolder(folder: string) {
  const path = join(top, folder)
  const cli = (...args: string[]) =>
    run(join(stack.checkout, 'claude.ts'), args, { cwd: path, env: stack.env })
  const name = JSON.parse((await cli('status', '--json')).stdout).stack as string
  t.teardown(() => removeStack(name))
  const container = `${name}-claude-1`
  return {
    cli,
    async start(...args: string[]) {
      const started = await cli('start', '--detach', ...args)
      if (started.code !== 0) throw new Error(started.stderr)
      return started.stderr
    },
    shell: (script: string) => run('docker', ['exec', container, 'bash', '-c', script]),
  }
}
const author = 'git config --global user.name agent; git config --global user.email a@a.test; '

t.test('a linked worktree', async t => {
  const linked = await inFolder('linked')
  t.notMatch(await linked.start(), /git does not work/)

  await t.test('git works in it, and the host sees the commits', async t => {
    const { code, stderr } = await linked.shell(`${author} set -ex
      echo two >> a.txt; git commit -qam two; git status --porcelain > ~/s; cmp ~/s /dev/null
      git switch -qc side; echo x > x; git add x; git commit -qm side; git switch -q topic
      git merge -q --no-ff -m merged side; git branch -d side
      echo y > y; git stash -qu; git stash pop -q; rm y; git rebase -q HEAD~1 HEAD; git switch -q topic
      git tag v1; git cherry-pick --no-commit HEAD^2; git reset -q --hard
      git worktree add -q ~/third -b third; git worktree remove ~/third; git fsck`)
    t.equal(code, 0, stderr)
    t.match(await git('linked', 'log', '-1', '--format=%an %s'), 'agent merged\n')
    t.equal(await git('linked', 'status', '--porcelain'), '')
    t.equal(
      await readFile(join(top, 'linked/.git'), 'utf8'),
      `gitdir: ${top}/repo/.git/worktrees/linked\n`,
    )
  })

  await t.test('a branch of another worktree stays its own', async t => {
    const { code, stderr } = await linked.shell('git switch other')
    t.not(code, 0)
    t.match(stderr, /already (used|checked out)/)
  })

  await t.test('what the host runs is closed, and other worktrees cannot be changed', async t => {
    const { stdout } = await linked.shell(`cd /workspace.git
      for f in config hooks/post-commit commondir modules/x worktrees/linked/commondir \\
        worktrees/linked/gitdir worktrees/linked/modules/x worktrees/other/HEAD \\
        worktrees/other/index worktrees/other/x /workspace/.git; do
        (echo x >> "$f") 2>/dev/null && echo "wrote $f"
        (rm -rf "$f") 2>/dev/null && [ ! -e "$f" ] && [ "\${f##*/}" != x ] && [ "\${f##*/}" != post-commit ] && echo "removed $f"
      done
      for f in config hooks modules worktrees worktrees/linked worktrees/other; do
        perl -e 'exit !rename $ARGV[0], "gone"' "$f" && echo "moved $f"
      done; git worktree prune; true`)
    t.equal(stdout, '')
    t.match(await git('repo', 'worktree', 'list'), /\/other .*\[other\]/)
    t.equal(await git('other', 'status', '--porcelain'), '?? private.txt\n')
  })

  await t.test('files of other worktrees are not in the container', async t => {
    const { stdout } = await linked.shell(
      'find / -xdev -name private.txt 2>/dev/null; ls /workspace.git',
    )
    t.notMatch(stdout, /private\.txt/)
    t.match(stdout, /objects/)
  })

  await t.test('a run starts Claude Code, whose folders the kernel confines', async t => {
    // There is no internet: it ends at the timeout, and not because Claude Code could not start.
    const { code, stderr } = await linked.cli('run', '--timeout', '3', 'hello')
    t.equal(code, 124, stderr)
  })

  await t.test('the audit finds its mounts and no others', async t => {
    const audit = JSON.parse((await linked.cli('audit', '--json', '--probe', 'C2', 'H1')).stdout)
    const verdicts = JSON.stringify(audit)
    t.match(verdicts, 'workspace.git/config')
    const open = (audit.probes ?? []).filter(
      ({ verdict }: { verdict: string }) => verdict === 'open',
    )
    t.same(open, [])
  })

  await t.test(
    'the stack of the second worktree keeps its protection when the first stops',
    async t => {
      const other = await inFolder('other')
      await other.start()
      await linked.cli('stop')
      const { stdout } = await other.shell(
        'cd /workspace.git; for f in commondir config hooks/x modules/x worktrees/linked/HEAD; do (echo x > $f) 2>/dev/null && echo "wrote $f"; done; true',
      )
      t.equal(stdout, '')
      await other.cli('stop')
      const left = await must('find', [
        join(top, 'repo/.git'),
        '-name',
        'commondir',
        '-o',
        '-name',
        'modules',
      ])
      t.same(
        left
          .trim()
          .split('\n')
          .map(path => path.slice(top.length))
          .sort(),
        ['/repo/.git/worktrees/linked/commondir', '/repo/.git/worktrees/other/commondir'],
        'no placeholder stays',
      )
    },
  )
})

t.test('the folder of a submodule', async t => {
  const lib = await inFolder('super/lib')
  await lib.start()
  const { code, stdout, stderr } = await lib.shell(
    `${author} set -e; echo two >> a.txt; git commit -qam two; git rev-parse --show-toplevel
     ! git config x.y z 2>/dev/null; ! touch /workspace.git/hooks/x 2>/dev/null`,
  )
  t.equal(code, 0, stderr)
  t.equal(stdout, '/workspace\n')
  t.equal(await git('super/lib', 'log', '-1', '--format=%an %s'), 'agent two\n')
  t.match(await git('super', 'status', '--porcelain'), /^ M lib$/m, 'the repository above sees it')
  await lib.cli('stop')
  t.equal(await git('super/lib', 'status', '--porcelain'), '')
})

t.test('a linked worktree with a submodule, mounted and as a copy', async t => {
  const deep = await inFolder('deep')
  for (const mode of [[], ['--copy']]) {
    await deep.start(...mode)
    const { code, stdout, stderr } = await deep.shell(
      `${author} set -e; git status --porcelain; git -C lib status --porcelain
       echo ${mode.length} > lib/n; git -C lib add n; git -C lib commit -qm in-lib; git commit -qam moved
       git status --porcelain; git -C lib log -1 --format=%an; git submodule status`,
    )
    t.equal(code, 0, stderr)
    t.match(stdout, /^agent\n \w+ lib /)
    const { stdout: written } = await deep.shell(
      'cd /workspace.git/worktrees/deep/modules && for f in lib/config lib/hooks/x lib/commondir x; do (echo x >> $f) 2>/dev/null && echo "wrote $f"; done; true',
    )
    t.equal(written, '')
  }
  t.equal(await git('deep/lib', 'log', '-1', '--format=%an %s'), 'agent in-lib\n')
  t.equal(await git('deep', 'log', '-1', '--format=%s'), 'moved\n', 'that of the mount')
  await deep.cli('stop')
})

t.test('a .git file that names what is not its own gets nothing, and start says so', async t => {
  await mkdir(join(top, 'hostile'))
  await writeFile(join(top, 'hostile/.git'), `gitdir: ${top}/repo/.git\n`)
  await must('chown', ['-R', `${owner}:${owner}`, join(top, 'hostile')])
  const hostile = await inFolder('hostile')
  const said = await hostile.start()
  t.match(
    said,
    /git does not work in the container: \.git names .*, which does not name this folder back/,
  )
  t.match(said, `run git --git-dir=${top}/repo/.git config core.worktree ${top}/hostile`)
  t.not((await hostile.shell('git status')).code, 0)
  t.notMatch((await hostile.shell('cat /proc/self/mountinfo')).stdout, / \/workspace\.git|\/repo\//)
  await hostile.cli('stop')
})

t.test('a copy of a linked worktree has a repository of its own', async t => {
  await writeFile(join(top, 'linked/.gitignore'), '*.log\n')
  await writeFile(join(top, 'linked/tracked.log'), 'tracked\n')
  await must('chown', ['-R', `${owner}:${owner}`, join(top, 'linked')])
  await git('linked', 'add', '--force', '.')
  await git('linked', 'commit', '--quiet', '--message=log')
  await writeFile(join(top, 'linked/a.txt'), 'uncommitted\n')
  const linked = await inFolder('linked')
  const started = await linked.start('--copy')
  t.notMatch(started, /git does not work|left out/)
  t.match(started, /^copied \d+ files, [\d.]+ [kM]B$/m, 'the size has the repository in it')
  const { code, stdout, stderr } = await linked.shell(
    `${author} set -e; git status --porcelain --branch; git log -1 --format=%s; cat tracked.log
     git commit -qam theirs; git worktree list; git fsck; ls /workspace.git 2>&1 || true`,
  )
  t.equal(code, 0, stderr)
  t.match(stdout, /^## topic\n M a\.txt\nlog\ntracked\n\/workspace +\w+ \[topic\]\n/)
  t.match(stdout, /No such file/)
  t.equal(await git('linked', 'log', '-1', '--format=%s'), 'log\n', 'the host has its own')
  await linked.shell('echo more > new.txt')
  const { stdout: changed } = await linked.cli('diff', '--stat')
  t.equal(changed, 'A new.txt\n')
  t.equal((await linked.cli('apply')).code, 0)
  t.equal(await git('linked', 'status', '--porcelain'), ' M a.txt\n?? new.txt\n')
  await linked.cli('stop')
})
