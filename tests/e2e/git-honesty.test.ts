import { mkdir, readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import t from 'tap'
import { temporaryFolder } from '../support/stack/checkout.ts'
import { must, run } from '../support/stack/process.ts'
import { createTestStack, owner } from '../support/stack/test-stack.ts'

const stack = await createTestStack(t, { start: false })
const { workspace } = stack
const outside = await temporaryFolder(t, 'outside')
await must('chmod', ['755', join(workspace, '..'), outside])
await must('chown', [`${owner}:${owner}`, outside])

const identity = `export GIT_AUTHOR_NAME=a GIT_AUTHOR_EMAIL=a@x.test GIT_COMMITTER_NAME=a GIT_COMMITTER_EMAIL=a@x.test GIT_EDITOR=true LC_ALL=C
export GIT_AUTHOR_DATE='2026-01-01T00:00:00Z' GIT_COMMITTER_DATE='2026-01-01T00:00:00Z'
`
/** bash as the owner of the folder on the host, where nothing is protected. */
async function onHost(folder: string, script: string, args: readonly string[] = []) {
  const asOwner = ['--reuid', `${owner}`, '--regid', `${owner}`, '--clear-groups']
  return run('setpriv', [...asOwner, 'bash', '-c', identity + script, 'bash', ...args], {
    cwd: folder,
    env: { PATH: process.env.PATH, HOME: outside },
  })
}
async function mustOnHost(folder: string, script: string) {
  const { code, stdout, stderr } = await onHost(folder, `set -e\n${script}`)
  if (code !== 0) throw new Error(`${script} ended with ${code}\n${stdout}\n${stderr}`)
  return stdout
}
const inContainer = (script: string, args: readonly string[] = []) =>
  stack.inside(['bash', '-c', `${identity}cd /workspace\n${script}`, 'bash', ...args])
async function start() {
  const outcome = await stack.cli(['start', '--detach'])
  if (outcome.code !== 0) throw new Error(outcome.stderr)
}

/** Shows what a user sees of a repository: files, index, branches and the stash. Commits have one date. */
const look = `look() {
  git status --porcelain --branch; git for-each-ref; git rev-parse HEAD; git ls-files -s
  grep -r --exclude-dir=.git --exclude=.git '' . | sort
}
`
/** Runs each command, and shows its status and the repository after it. */
const everyCommand = `${look}
for c; do echo "== $c"; bash -c "$c" > /tmp/out.$$ 2>&1; s=$?; echo "ended with $s"; look; done
rm -f /tmp/out.$$`

await mustOnHost(
  outside,
  `git init -q -b main lib; cd lib; git commit -q --allow-empty -m one; echo 1 > l; git add l; git commit -q -m two`,
)
await mustOnHost(
  workspace,
  `git init -q -b main
  printf 'ignored*\\n' > .gitignore; echo one > a.txt; echo '{}' > package.json; git add .; git commit -qm first
  git -c protocol.file.allow=always submodule --quiet add ${outside}/lib lib; git commit -qm lib
  git init -q --bare .git/remote.git; git remote add origin .git/remote.git
  git switch -qc topic; echo two > b.txt; git add b.txt; git commit -qm topic
  printf '* text=auto\\n' > .gitattributes; git add .gitattributes; git commit -qm attributes
  git switch -qc conflict main; echo conflict > a.txt; git commit -qam conflict
  git switch -qc clash main; echo clash > a.txt; git commit -qam clash
  git switch -q main; echo three > c.txt; git add c.txt; git commit -qm main
  git push -q origin main topic; git fetch -q
  git switch -qc published; git commit -q --allow-empty -m published; git push -q origin published:main
  git switch -q main; git branch -qD published`,
)
const everyday = [
  'echo new > new.txt; echo x >> a.txt; git stash -u',
  'git stash pop',
  'git stash push --include-untracked --message=mine',
  'git stash apply',
  'git checkout -q . && git clean -fd',
  'git stash drop',
  'echo i > ignored.txt; mkdir -p empty/folder; git clean -n -d',
  'git clean -fdx',
  'git switch topic',
  'git switch -',
  'git checkout topic -- b.txt',
  'git reset --hard',
  'git checkout -b feature --no-track origin/topic',
  'git checkout main',
  'echo x >> a.txt; git restore .',
  'echo x >> a.txt; git reset --hard HEAD',
  'git pull --no-rebase origin main',
  'git merge --no-edit topic',
  'git reset --hard HEAD~1',
  'git rebase topic',
  'git cherry-pick -x topic~1; git cherry-pick --skip',
  'git revert --no-edit HEAD',
  'git merge conflict',
  'echo x >> a.txt; git merge conflict',
  'git checkout -f a.txt; git switch -c aside; echo aside > a.txt; git commit -qam aside; git rebase clash',
  'git rebase --abort',
  'git merge clash',
  'git merge --abort',
  'git switch main; git branch -D aside',
  'git bisect start HEAD HEAD~2',
  'git bisect good; git bisect reset',
  'git worktree add -q side topic',
  'git worktree remove side',
  `git -C lib checkout -q HEAD~1; git submodule foreach --recursive 'git checkout --quiet $sha1'`,
  'echo mine >> a.txt; git commit -qam mine',
  'git show --stat --format=%s HEAD',
]

t.test('without tracked protected files, git does what it does outside', async t => {
  const twin = join(outside, 'twin')
  await must('cp', ['--archive', workspace, twin])
  await start()
  const ours = await inContainer(everyCommand, everyday)
  const theirs = await onHost(twin, everyCommand, everyday)
  const byCommand = (text: string) => text.split(/^== /m).slice(1)
  const expected = byCommand(theirs.stdout)
  t.equal(expected.length, everyday.length)
  for (const [index, text] of byCommand(ours.stdout).entries())
    t.equal(text, expected[index], everyday[index] ?? '')
  t.equal(ours.stderr, theirs.stderr)
})

t.test('a submodule is updated without its configuration, or not at all', async t => {
  await inContainer('git -C lib checkout -q HEAD~1')
  const { code, stderr } = await inContainer('git submodule update')
  t.equal(code, 1)
  t.match(
    stderr,
    /\.git\/modules\/lib\/config.*nothing was changed\nhint: use git submodule foreach/,
  )
  t.match((await inContainer('git status --porcelain')).stdout, ' M lib')
  await inContainer(`git submodule foreach --recursive 'git checkout --quiet $sha1'`)
  t.equal((await inContainer('git status --porcelain')).stdout, '')
})

t.test('globs and searches meet no placeholder', async t => {
  const { code, stdout, stderr } = await inContainer(
    `ls -d *.json .*.json; jq . *.json && find . -name .git -prune -o -name '*.json' -print; git status --porcelain --ignored`,
  )
  t.equal(code, 0, stderr)
  t.equal(stdout, 'package.json\n{}\n./package.json\n')
  await stack.cli(['stop'])
})

/** Commands that would change protected files, each with the file that its message names. */
const changing: Record<string, RegExp> = {
  'git switch theirs': /\.claude\/settings\.json.*\.mcp\.json.*\.vscode\/tasks\.json/,
  'git checkout theirs': /\.vscode\/tasks\.json/,
  'git checkout theirs -- .': /\.vscode/,
  'git restore --source=theirs .': /\.vscode/,
  'git restore --source=theirs --staged --worktree :/.vscode': /\.vscode/,
  'git reset --hard theirs': /\.vscode/,
  'git reset --keep theirs': /\.vscode/,
  'git merge --no-edit theirs': /\.vscode/,
  'git rebase theirs': /\.vscode/,
  'git cherry-pick theirs~1': /\.vscode/,
  'git revert --no-edit HEAD~1': /\.vscode/,
  'git pull -q --no-rebase origin theirs': /\.vscode/,
  'git pull -q --rebase origin theirs': /\.vscode/,
  'git bisect start HEAD HEAD~2': /\.vscode/,
  'git stash pop': /\.claude\/settings\.json/,
  'git clean -fdx': /\.idea/,
  'git stash -u': /\.envrc/,
  'git switch --orphan empty': /\.claude/,
  'git ours': /\.vscode/,
  'git through': /\.vscode/,
  'git -c alias.x="!f() { git switch theirs; }; f" x': /\.vscode/,
}

t.test('what would change protected files changes nothing, and says what helps', async t => {
  await mustOnHost(
    workspace,
    `git checkout -qf main; git config alias.ours 'switch theirs'; git config alias.through '!git switch theirs'; printf '.idea\\n' >> .gitignore
    mkdir -p .vscode .claude .idea; echo 0 > .vscode/tasks.json; echo 1 > .claude/settings.json
    printf '*.x text\\n' > .gitattributes; git add .; git commit -qm settings
    echo 1 > .vscode/tasks.json; git commit -qam tasks; echo plain > p.txt; git add .; git commit -qm plain
    git switch -qc theirs; echo 2 > .vscode/tasks.json; echo 2 > .claude/settings.json; echo '{}' > .mcp.json
    git add .; git commit -qm theirs; echo t > t.txt; git add .; git commit -qm more
    git push -q origin theirs; git switch -qc attributes main; printf '*.y text\\n' > .gitattributes; echo y > y.txt
    git add .; git commit -qm attributes2; git switch -q main
    echo 3 > .claude/settings.json; git stash -q; echo '{}' > .claude/settings.local.json
    echo '<x/>' > .idea/workspace.xml; echo export X=1 > .envrc`,
  )
  await mkdir(join(outside, 'copies'))
  await start()
  const refusing = `${look}
for c; do
  before=$(look); bash -c "$c" > /tmp/out 2> /tmp/err; s=$?; after=$(look)
  [ "$before" = "$after" ] && state=same || state=changed
  printf '%s\\t%s\\t%s\\n' "$s" "$state" "$(tr '\\n' '\\t' < /tmp/err)"
done`
  const { stdout } = await inContainer(refusing, Object.keys(changing))
  const rows = stdout.trim().split('\n')
  for (const [index, [command, files]] of Object.entries(changing).entries()) {
    const [status, state, error, hint] = (rows[index] ?? '').split('\t')
    t.equal(state, 'same', command)
    t.equal(status, '1', command)
    t.match(error, /^error: git .* would change .* nothing was changed$/, command)
    t.match(error, files, command)
    t.match(hint, /^hint: .*on the host, or to set PROTECT=-\.\w+/, command)
  }
  for (const [index, command] of Object.keys(changing).entries()) {
    const copy = join(outside, 'copies', `${index}`)
    await must('cp', ['--archive', workspace, copy])
    const free = await onHost(
      copy,
      `${look} before=$(look); ${command}; after=$(look); [ "$before" != "$after" ]`,
    )
    t.equal(free.code, 0, `${command} changes something where nothing is protected: ${free.stderr}`)
  }
})

t.test('beside protected files that stay the same, git works', async t => {
  const { code, stdout, stderr } = await inContainer(`set -ex
    git switch -q attributes; cat .gitattributes; git switch -q main
    git merge -q --no-edit attributes; git rebase -q HEAD~1; git reset -q --hard HEAD
    git clean -fdx -e /.idea -e /.envrc -e /.claude; echo u > u.txt; git stash push -q -u -- . ':!.envrc'; git stash pop -q > /dev/null
    git checkout theirs -- t.txt; git cherry-pick -n theirs; echo x >> a.txt; git commit -qam work
    git show --format= --name-only HEAD; git status --porcelain`)
  t.equal(code, 0, stderr)
  t.equal(stdout, '*.y text\na.txt\nt.txt\n?? .envrc\n?? u.txt\n', 'only changes that were made')
})

t.test('uncommitted changes of the user to protected files stay', async t => {
  await mustOnHost(workspace, 'echo mine >> .claude/settings.json')
  for (const command of ['stash', 'reset --hard', 'restore .', 'checkout .', 'checkout -f main']) {
    const { code, stderr } = await inContainer(`git ${command}`)
    t.equal(code, 1, command)
    t.match(stderr, /would change \.claude\/settings\.json/, command)
  }
  t.match(await readFile(join(workspace, '.claude/settings.json'), 'utf8'), /mine/)
  await writeFile(join(workspace, '.claude/settings.json'), '1\n')
  t.match((await inContainer('git switch -t -c n attributes')).stderr, /without --track/)
})

t.test('the real git, called by its path, still cannot write protected files', async t => {
  const before = await readFile(join(workspace, '.vscode/tasks.json'), 'utf8')
  t.not((await inContainer('/usr/bin/git checkout theirs -- .vscode')).code, 0)
  t.equal(await readFile(join(workspace, '.vscode/tasks.json'), 'utf8'), before)
  await rm(join(outside, 'copies'), { recursive: true })
})
