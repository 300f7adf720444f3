import { access, lstat, readdir, readFile, rm, symlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import t from 'tap'
import { temporaryFolder } from '../support/stack/checkout.ts'
import { isTwoLines } from '../support/stack/control-script.ts'
import { must, run } from '../support/stack/process.ts'
import {
  attachInternet,
  createTestStack,
  owner,
  sentinel,
  writeSettings,
} from '../support/stack/test-stack.ts'

const outside = await temporaryFolder(t, 'outside')
await must('chown', [`${owner}:${owner}`, outside])
/** Made by any program of the agent's that the host is brought to run. */
const canary = join(outside, 'FIRED')
const fire = join(outside, 'fire')
await writeFile(fire, `#!/bin/sh\ntouch ${canary}\n`, { mode: 0o755 })

const stack = await createTestStack(t, {
  start: false,
  files: { 'a.txt': 'one\n', '.gitconfig': '[alias]\n\tst = status\n', '.githooks/pre-push': '' },
})

const asOwner = ['--reuid', `${owner}`, '--regid', `${owner}`, '--clear-groups']
const hostEnv = {
  PATH: process.env.PATH,
  HOME: outside,
  GIT_AUTHOR_NAME: 'me',
  GIT_AUTHOR_EMAIL: 'me@host.test',
  GIT_COMMITTER_NAME: 'me',
  GIT_COMMITTER_EMAIL: 'me@host.test',
}
/** git as the owner of the folder runs it on the host. */
const hostGit = (cwd: string, ...args: string[]) =>
  run('setpriv', [...asOwner, 'git', ...args], { cwd, env: hostEnv })
async function mustGit(cwd: string, ...args: string[]) {
  const { code, stdout, stderr } = await hostGit(cwd, ...args)
  if (code !== 0) throw new Error(`git ${args.join(' ')}: ${stderr}`)
  return stdout
}
/** What a person does in the folder without a thought. */
async function workOnHost(cwd: string) {
  const commit = ['commit', '--allow-empty', '-m', 'mine']
  const ownHooks = ['-c', 'core.hooksPath=.git/hooks']
  for (const args of [['status'], ['diff'], commit, [...ownHooks, ...commit], ['log', '-1']])
    await hostGit(cwd, ...args)
}
const agent = (script: string) => stack.inside(['bash', '-c', `cd /workspace; ${script}`])
async function mustAgent(script: string) {
  const { code, stdout, stderr } = await agent(`set -e; ${script}`)
  if (code !== 0) throw new Error(`${script} ended with ${code}\n${stdout}\n${stderr}`)
  return stdout
}
const fired = () =>
  access(canary).then(
    () => true,
    () => false,
  )
const listing = async () =>
  (await must('find', [stack.workspace, '-printf', '%P %y %m %U %l\n'])).split('\n').sort()
const change = async (settings: Record<string, string>) =>
  writeSettings(stack.checkout, {
    ANTHROPIC_API_KEY: sentinel,
    EXTRA_CA_CERTS: stack.internet.authority,
    EXTERNAL_SUBNET: stack.internet.subnet,
    PROXY_DNS: stack.internet.dns,
    ...settings,
  })
async function start() {
  const outcome = await stack.cli(['start', '--detach'])
  if (outcome.code !== 0) throw new Error(outcome.stderr)
  return outcome
}

const linked = join(outside, 'linked')
const library = join(outside, 'library')
await must('chmod', ['755', join(stack.workspace, '..')])
for (const folder of [library, stack.workspace]) {
  await must('install', ['-d', '-o', `${owner}`, '-g', `${owner}`, folder])
  await mustGit(folder, 'init', '--quiet', '--initial-branch=main')
  await mustGit(folder, 'commit', '--quiet', '--allow-empty', '--message=first')
}
const { workspace } = stack
await mustGit(
  workspace,
  '-c',
  'protocol.file.allow=always',
  'submodule',
  '--quiet',
  'add',
  library,
  'lib',
)
await mustGit(workspace, 'add', '.')
await mustGit(workspace, 'commit', '--quiet', '--message=all')
await mustGit(workspace, 'worktree', 'add', '--quiet', linked)
await mustGit(workspace, 'config', 'core.hooksPath', '.githooks')
await mustGit(workspace, 'config', 'include.path', '../.gitconfig')
const backup = join(outside, 'backup')
await must('cp', ['--archive', workspace, backup])
const before = await listing()
const statusBefore = await mustGit(workspace, 'status', '--porcelain', '--ignored')
// The proof of the attacks comes first: it needs no start of its own.
await change({ PROTECT: 'none' })
await start()
await attachInternet(stack)
await mustAgent('git config --global user.name agent; git config --global user.email a@claude.test')

const evil = `[core]\\nfsmonitor=${fire}\\n`
const hook = `printf '#!/bin/sh\\n${fire}\\n'`
const attacks: Record<string, string> = {
  'a setting that runs a program': `git config core.fsmonitor '${fire}'`,
  'a line in the configuration': `printf '${evil}' >> .git/config`,
  'a hook': `${hook} > .git/hooks/pre-commit; chmod +x .git/hooks/pre-commit`,
  'a hook where core.hooksPath leads': `${hook} > .githooks/pre-commit; chmod +x .githooks/pre-commit`,
  'another folder in the place of core.hooksPath': `mv .githooks .gh && mkdir .githooks && ${hook} > .githooks/pre-commit && chmod +x .githooks/pre-commit`,
  'a file that the configuration includes': `printf '${evil}' > x; mv -f x .gitconfig`,
  'another config in the place of the file': `cp .git/config x; printf '${evil}' >> x; rm -f .git/config; mv -f x .git/config`,
  'another .git in the place of the folder': `mv .git .g && cp -r .g .git && printf '${evil}' >> .git/config`,
  'two names that change places': `cp .git/config x; printf '${evil}' >> x; perl -e 'my ($a, $b) = ("x", ".git/config"); syscall(316, -100, $a, -100, $b, 2)'`,
  'an open file, and its descriptor': `exec 3< .git/config; printf '${evil}' > /proc/self/fd/3`,
  'a second name for the file': `ln .git/config x && printf '${evil}' >> x`,
  'a repository moved elsewhere': `git init --separate-git-dir=/workspace/.g && printf '${evil}' >> .g/config && echo gitdir: .g > .git`,
  'a common folder of its own choice': `cp -r .git evil; printf '${evil}' >> evil/config; printf ../evil > .git/commondir || { rm -f .git/commondir; printf ../evil > .git/commondir; }`,
  'the same for a worktree of the host': `cp -r .git evil; printf '${evil}' >> evil/config; cd .git/worktrees/linked; printf ../../../evil > commondir || { rm -f commondir; printf ../../../evil > commondir; } || { cd ..; mv linked l && cp -r l linked && printf ../../../evil > linked/commondir; }`,
  'the configuration of a submodule': `printf '${evil}' >> .git/modules/lib/config || { mv .git/modules .git/m && cp -r .git/m .git/modules; printf '${evil}' >> .git/modules/lib/config; }`,
  'a repository without .git': `rm .git/HEAD; cp -r .git/objects .git/refs .; printf 'ref: refs/heads/main\\n' > HEAD; printf '[core]\\nrepositoryformatversion=0\\nbare=false\\nworktree=.\\nfsmonitor=${fire}\\n' > config; rmdir commondir; mv commondir c`,
}

/** Puts the folder back as it was; the overlays keep what they are on. */
async function restore() {
  await run('find', [workspace, '-mindepth', '1', '-delete'])
  await must('cp', ['--archive', `${backup}/.`, workspace])
}

t.test('each of the attacks would succeed in a folder without protection', async t => {
  for (const [title, script] of Object.entries(attacks)) {
    await agent(script)
    await workOnHost(workspace)
    await workOnHost(linked)
    t.equal(await fired(), true, title)
    await rm(canary, { force: true })
    await restore()
  }
  await change({})
  await start()
})

t.test('while the stack runs, git on the host sees nothing new', async t => {
  t.equal(await mustGit(workspace, 'status', '--porcelain', '--ignored'), statusBefore)
  t.same((await readdir(join(workspace, '.vscode'))).length, 0)
  const { uid } = await lstat(join(workspace, '.vscode'))
  t.equal(uid, owner, 'what holds a place belongs to the owner of the folder')
})

for (const [title, script] of Object.entries(attacks)) {
  t.test(`nothing that the agent wrote runs on the host: ${title}`, async t => {
    await agent(script)
    await workOnHost(workspace)
    await workOnHost(linked)
    t.equal(await fired(), false)
    await rm(canary, { force: true })
    await agent(
      `rm -rf evil x HEAD objects refs config; [ -e .git/HEAD ] || printf 'ref: refs/heads/main\\n' > .git/HEAD`,
    )
    t.equal((await hostGit(workspace, 'status')).code, 0, 'the repository is whole')
    t.equal((await hostGit(linked, 'status')).code, 0, 'and the worktree of the host')
  })
}

t.test('files that other programs obey cannot be written, replaced or redirected', async t => {
  const names = '.envrc .vscode .idea .devcontainer .claude'
  const { stdout } = await agent(
    `for n in ${names}; do
       for attempt in "touch $n/x" "tee $n" "mv $n gone" "rmdir $n" "rm -rf $n" "ln -sfT /etc $n" "chmod 777 $n"; do
         $attempt < /dev/null > /dev/null 2>&1 && echo "$attempt"
       done
     done; true`,
  )
  t.equal(stdout, '')
})

/** `git submodule sync` on the host wrote the agent's address. */
async function restoreSubmodule() {
  await mustGit(workspace, 'submodule', 'sync', '--quiet')
  await stack.cli(['stop'])
  await start()
}

t.test('git on the host runs nothing that attributes and .gitmodules ask for', async t => {
  await mustAgent(`cp .gitmodules /tmp/gitmodules
    for f in .gitattributes .git/info/attributes; do
      mkdir -p .git/info; printf '* filter=evil diff=evil merge=evil\n' > $f
    done
    printf '[submodule "lib"]\n path=lib\n url=ext::${fire}\n update=!${fire}\n' > .gitmodules`)
  await workOnHost(workspace)
  for (const args of [
    ['submodule', 'update', '--init', '--force'],
    ['submodule', 'sync'],
    ['submodule', 'update', '--remote'],
    ['checkout', '--force', '.'],
  ])
    await hostGit(workspace, ...args)
  t.equal(await fired(), false)
  await mustAgent('cp /tmp/gitmodules .gitmodules; rm -f .gitattributes .git/info/attributes')
  await restoreSubmodule()
})

t.test('a settings file that appears is told and moved out of reach of the host', async t => {
  await mustAgent(`echo '{}' > .mcp.json; ln -s /etc/passwd .devcontainer.json`)
  t.match((await stack.cli(['audit', '--probe', 'H1'])).stdout, /\.mcp\.json/, 'the audit sees it')
  const { stderr } = await stack.cli(['shell'], { input: 'true\n' })
  const moved = /\.mcp\.json appeared while an agent worked.* moved to (\S+);/.exec(stderr)
  t.equal(await readFile(moved?.[1] ?? '', 'utf8'), '{}\n')
  await t.rejects(lstat(join(workspace, '.mcp.json')), { code: 'ENOENT' })
  await t.rejects(lstat(join(workspace, '.devcontainer.json')), { code: 'ENOENT' })
})

t.test('setuid bits of the agent do not outlive its session, and open modes are told', async t => {
  await mustAgent('mkdir modes && cp /bin/true modes/run && chmod 6755 modes/run')
  await mustAgent('touch modes/open && chmod 666 modes/open')
  const mode = async () => ((await lstat(join(workspace, 'modes/run'))).mode & 0o7777).toString(8)
  t.equal(await mode(), '6755', 'on the host too')
  t.match((await stack.cli(['audit', '--probe', 'H1'])).stdout, /modes\/run/, 'the audit sees it')
  const { stderr } = await stack.cli(['shell'], { input: 'true\n' })
  t.match(stderr, /took the setuid and setgid bits off \S+\/modes\/run/)
  t.match(stderr, /every user of this machine may write \S+\/modes\/open/)
  t.equal(await mode(), '755')
  await mustAgent('rm -r modes')
})

t.test('ordinary work with git goes on inside, and the host sees it', async t => {
  const out = await agent(`set -ex
    git checkout -q main; echo two > b.txt; git add b.txt; git commit -qm two
    git switch -qc topic; echo three >> b.txt; git commit -qam three
    git switch -qc other main; echo x > c.txt; git add c.txt; git commit -qm other
    GIT_SEQUENCE_EDITOR=true git rebase -qi topic; git rebase -q main topic
    git switch -q main; git merge -q --no-ff -m merged topic; git cherry-pick -x other
    echo dirty >> b.txt; git stash -q; git stash pop -q; git checkout -q b.txt
    git branch -d topic; git branch -D other; git tag v1
    git worktree add -q side -b side; (cd side; echo s > s.txt; git add s.txt; git commit -qm side)
    git worktree remove side; git branch -D side
    git bisect start -q HEAD HEAD~2; git bisect reset; git gc -q; git fsck`)
  t.equal(out.code, 0, out.stderr)
  t.match(await mustGit(workspace, 'log', '--format=%an %s', '-2'), 'agent other\nagent merged\n')
  t.equal(await mustGit(linked, 'status', '--porcelain'), '', 'the worktree of the host is whole')
})

t.test('Claude Code works in such a folder', async t => {
  const { code, stdout, stderr } = await stack.inside(
    ['claude', '--dangerously-skip-permissions', '-p', '[[say still here]]'],
    { timeout: 120_000 },
  )
  t.equal(code, 0, stderr)
  t.match(stdout, 'still here')
})

t.test('the end of a session names what changed among the files that the host runs', async t => {
  const { code, stderr } = await stack.cli(['shell'], {
    input: `printf 'all:\\n\\t${fire}\\n' > Makefile
      printf '{"scripts":{"test":"x"}}' > package.json
      git init -q nested; printf '#!/bin/sh\\n' > nested/.git/hooks/post-checkout
      printf x > "$(printf 'title\\033]0;x\\007.mk')"; exit 3\n`,
  })
  t.equal(code, 3, 'the status is that of the session')
  t.match(
    stderr,
    /read before you run anything here: .*Makefile \(new\)[\s\S]*package\.json \(new\)/,
  )
  t.match(stderr, /nested\/\.git\/hooks\/post-checkout \(new\)/)
  t.match(stderr, /titl?e?\.mk \(new\)/)
  t.notMatch(stderr, /\x1b\]/)
  await mustAgent('rm -rf Makefile package.json nested *.mk')
})

t.test('a file that the host replaces loses its overlay until start restores it', async t => {
  await mustGit(workspace, 'config', 'user.nickname', 'x')
  const { stderr } = await stack.cli(['shell'], { input: 'true\n' })
  t.match(
    stderr,
    /replaced on this host .*\.git\/config; run \S*\/claude\.ts stop and \S*\/claude\.ts start/,
  )
  await start()
  t.not((await agent('git config user.evil yes')).code, 0)
  t.notMatch((await stack.cli(['shell'], { input: 'true\n' })).stderr, /replaced on this host/)
  await mustGit(workspace, 'config', '--unset', 'user.nickname')
})

t.test('stop leaves nothing in the folder, also after the containers died', async t => {
  await start()
  await mustAgent(`echo '{}' > .mcp.json`)
  t.match((await stack.cli(['stop'])).stderr, /\.mcp\.json appeared/)
  const names = (lines: readonly string[]) =>
    lines.filter(
      line => !/^\.git(\/| )|^$/.test(line) && !/^lib/.test(line) && !/^[bc]\.txt/.test(line),
    )
  t.same(names(await listing()), names(before))
  await t.rejects(access(join(workspace, '.git/commondir')), { code: 'ENOENT' })
  for (const then of ['stop', 'start']) {
    await start()
    const containers = ['claude', 'gateway', 'proxy'].map(stack.container)
    await must('docker', ['rm', '--force', ...containers])
    t.equal((await stack.cli(then === 'stop' ? ['stop'] : ['start', '--detach'])).code, 0)
    if (then === 'start') await stack.cli(['stop'])
    t.same(names(await listing()), names(before), `after a crash and ${then}`)
  }
})

t.test('files that a user put into a placeholder stay', async t => {
  await start()
  await writeFile(join(workspace, '.vscode/settings.json'), '{}')
  await stack.cli(['stop'])
  t.equal(await readFile(join(workspace, '.vscode/settings.json'), 'utf8'), '{}')
  await rm(join(workspace, '.vscode'), { recursive: true })
})

t.test('a symlink is refused with a hint; PROTECT accepts it and says so', async t => {
  await symlink('/etc', join(workspace, '.vscode'))
  isTwoLines(t, await stack.cli(['start', '--detach']), {
    error: /\.vscode is a symlink/,
    hint: /PROTECT=-\.vscode/,
  })
  await change({ PROTECT: '-.vscode,-.idea' })
  const { stderr } = await start()
  t.match(stderr, /PROTECT lets the agent write files that your host runs: \.vscode \.idea/)
  t.notMatch(await mustAgent('cat /proc/self/mountinfo'), /workspace\/\.(vscode|idea)/)
  t.match(await mustAgent('cat /proc/self/mountinfo'), /workspace\/\.envrc/)
  const status = await stack.cli(['status', '--json'])
  t.same(JSON.parse(status.stdout).loosened, ['.vscode', '.idea'])
  t.match((await stack.cli(['status'])).stdout, /unprotected +\.vscode \.idea/)
  await stack.cli(['stop'])
  await rm(join(workspace, '.vscode'))
  await change({ PROTECT: '-.x' })
  isTwoLines(t, await stack.cli(['start', '--detach']), { error: /PROTECT.*\.git /, hint: /./ })
  await change({})
})

t.test('in a folder without a repository, the agent cannot create one', async t => {
  await must('mv', [join(workspace, '.git'), join(outside, 'kept.git')])
  await start()
  t.not((await agent('git init')).code, 0)
  await agent(
    `printf 'ref: refs/heads/main' > HEAD; mkdir -p objects refs/heads
     printf '[core]\\nrepositoryformatversion=0\\nbare=false\\nworktree=.\\nfsmonitor=${fire}\\n' > config`,
  )
  await workOnHost(workspace)
  t.equal(await fired(), false)
  await stack.cli(['stop'])
  await t.rejects(access(join(workspace, '.git')), { code: 'ENOENT' })
})
