import { createHash } from 'node:crypto'
import { lstat, mkdir, readdir, readFile, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import t from 'tap'
import { isTwoLines } from '../support/stack/control-script.ts'
import { must, run } from '../support/stack/process.ts'
import { createTestStack } from '../support/stack/test-stack.ts'

const files = {
  'a.txt': 'one\ntwo\n',
  'docs/b.txt': 'kept\n',
  'gone.txt': 'to be deleted\n',
  'mine.txt': 'before\n',
  'long.txt': `${Array.from({ length: 60 }, (_, at) => `line ${at}`).join('\n')}\n`,
  '.gitignore': 'node_modules/\n.env\n*.log\n',
  '.env': 'SECRET=of the project\n',
  'node_modules/pkg/index.js': 'ignored\n',
  'tracked.log': 'tracked all the same\n',
  'data/big.bin': 'left out by name\n',
}
const stack = await createTestStack(t, {
  workspaceOwner: 0,
  files,
  start: false,
  settings: { COPY_EXCLUDE: 'never.txt, /data/' },
})
const host = (path: string) => readFile(join(stack.workspace, path), 'utf8')
const agent = (script: string) => stack.inside(['sh', '-euc', `cd /workspace; ${script}`])
const git = (...args: string[]) =>
  must('git', ['-c', 'user.name=t', '-c', 'user.email=t@t', ...args], { cwd: stack.workspace })

// Uncommitted work of each kind: changed, staged, and not known to git.
await git('init', '--quiet')
await git('add', '--force', 'a.txt', 'docs', 'gone.txt', 'long.txt', '.gitignore', 'tracked.log')
await git('commit', '--quiet', '--message', 'first')
await writeFile(join(stack.workspace, 'docs/b.txt'), 'changed\n')
await writeFile(join(stack.workspace, 'staged.txt'), 'staged\n')
await git('add', 'staged.txt')
await writeFile(join(stack.workspace, '.git/hooks/pre-commit'), '#!/bin/sh\n')

/** Everything that a program of the host can see of the folder. */
async function hostState() {
  const lines: string[] = []
  for (const name of (await readdir(stack.workspace, { recursive: true })).sort()) {
    const { mode, uid, gid, size, mtimeMs } = await lstat(join(stack.workspace, name))
    const hash = createHash('sha256')
    if ((mode & 0o170000) === 0o100000) hash.update(await readFile(join(stack.workspace, name)))
    lines.push(`${name} ${mode.toString(8)} ${uid}:${gid} ${size} ${mtimeMs} ${hash.digest('hex')}`)
  }
  return lines
}
const untouched = await hostState()

t.test('a folder owned by root is opened as a copy, and one line says so', async t => {
  const { code, stderr } = await stack.cli(['start', '--detach', '--exclude', '*.bin'])
  t.equal(code, 0, stderr)
  const said = stderr.split('\n').filter(line => /works on a copy/.test(line))
  t.equal(said.length, 1)
  t.match(said[0], `a copy of ${stack.workspace} (it is owned by root)`)
  t.match(said[0], /\S*\/claude\.ts diff .*\S*\/claude\.ts apply/)
  t.match(stderr, /^copied \d+ files, \d+\.\d kB$/m)
  t.match(stderr, /left out of the copy: (?=.*\.env)(?=.*node_modules\/)(?=.*data\/)/)
  t.not((await agent('id -u')).stdout.trim(), '0')
  const { stdout } = await stack.cli(['status', '--json'])
  t.match(JSON.parse(stdout), { workspaceMode: 'copy', copy: { taken: /^\d{4}-.*Z$/ } })
})

t.test('a dry run of apply says when there is nothing to apply', async t => {
  const { code, stdout, stderr } = await stack.cli(['apply', '--dry-run'])
  t.equal(code, 0, stderr)
  t.equal(stdout, '')
  t.match(stderr, 'there is nothing to apply')
})

t.test('uncommitted work is in the copy, ignored files are not', async t => {
  t.equal(
    (await agent('cat a.txt docs/b.txt staged.txt mine.txt tracked.log')).stdout,
    'one\ntwo\nchanged\nstaged\nbefore\ntracked all the same\n',
  )
  const there = 'ls -d .env node_modules data 2>/dev/null | wc -l'
  t.equal((await agent(there)).stdout.trim(), '0')
  const status = 'git -c safe.directory=* status --porcelain'
  t.equal(
    (await agent(status)).stdout,
    ' M docs/b.txt\nA  staged.txt\n?? mine.txt\n',
    'git sees in it what it sees on the host, but for what was left out by name',
  )
})

t.test("the agent's changes do not touch files of the host", async t => {
  const { code, stderr } = await agent(`
    printf 'one\\nTWO\\n' > a.txt
    mkdir -p new; printf 'new\\n' > new/file.txt; chmod 755 new/file.txt
    rm gone.txt
    sed -i 's/^line 3$/LINE 3/; s/^line 50$/LINE 50/' long.txt
    git mv docs/b.txt docs/moved.txt
    mkdir -p .git/hooks .vscode
    printf '#!/bin/sh\\ntouch /tmp/PLANTED\\n' > .git/hooks/pre-commit
    printf '{"git.path":"/workspace/evil"}' > .vscode/settings.json
    printf 'SECRET=of the agent\\n' > .env
    mkdir -p node_modules/a; touch node_modules/a/1 node_modules/a/2
    printf '\\033]0;title\\007\\033[31mred\\n' > "$(printf 'esc\\033[2Jname')"
    head -c 300000 /dev/zero > zero.dat
    ln -s /etc/passwd outside; ln -s a.txt inside
    git -c user.name=t -c user.email=t@t commit --quiet --message theirs`)
  t.equal(code, 0, stderr)
  t.same(await hostState(), untouched)
})

t.test('diff shows it as a patch, names what is withheld, and changes nothing', async t => {
  const { code, stdout, stderr } = await stack.cli(['diff'])
  t.equal(code, 0, stderr)
  t.match(stdout, /--- a\/a\.txt[\s\S]*-two\n\+TWO/)
  t.match(stdout, /new file mode 100755\n--- \/dev\/null\n\+\+\+ b\/new\/file\.txt[\s\S]*\+new/)
  t.match(stdout, /deleted file mode 100644\n--- a\/gone\.txt[\s\S]*-to be deleted/)
  t.match(stdout, /rename from docs\/b\.txt\nrename to docs\/moved\.txt/)
  t.match(stdout, /new file mode 120000[\s\S]*\+a\.txt/)
  t.match(stdout, /zero\.dat\nnew file mode 100644\nNot shown: binary or large, .*300000 bytes now/)
  t.match(stdout, /esc\^\[\[2Jname[\s\S]*\+\^\[\]0;title\^G\^\[\[31mred/)
  t.notMatch(stdout + stderr, /[\x00-\x08\x0b-\x1f\x7f]/)
  t.match(stderr, /not applied, because your host would run it: \.vscode\/settings\.json/)
  t.match(stderr, /commits, branches and git settings stay in the copy/)
  t.match(stderr, /stay in the copy: \.env, node_modules\/ \(2\); name a path to apply it/)
  t.notMatch(stdout, /SECRET/)
  t.same(await hostState(), untouched)
})

t.test('diff for scripts, for some paths, and in short', async t => {
  const names = JSON.parse((await stack.cli(['diff', '--json'])).stdout)
  t.match(names, {
    changes: [
      { path: 'a.txt', kind: 'modified', conflict: false },
      { path: 'docs/b.txt', kind: 'deleted' },
      { path: 'docs/moved.txt', kind: 'added', renamedFrom: 'docs/b.txt' },
      { path: /^esc/, kind: 'added' },
      { path: 'gone.txt', kind: 'deleted' },
      { path: 'inside', kind: 'added' },
      { path: 'long.txt', kind: 'modified' },
      { path: 'new/file.txt', kind: 'added' },
      { path: 'outside', kind: 'added' },
      { path: 'zero.dat', kind: 'added' },
    ],
    withheld: [{ path: '.vscode/settings.json' }],
    ignored: [
      { path: '.env', files: 1 },
      { path: 'node_modules/', files: 2 },
    ],
    gitChanged: true,
  })
  const short = await stack.cli(['diff', '--stat', 'docs', './new/', 'tracked.log'])
  t.equal(short.stdout, 'R docs/b.txt → docs/moved.txt\nA new/file.txt\n')
  const withheld = await stack.cli(['diff', '.vscode'])
  t.match(
    withheld.stdout,
    /\+\+\+ b\/\.vscode\/settings\.json[\s\S]*\+\{"git\.path":"\/workspace\/evil"\}/,
  )
  t.match(withheld.stderr, /to apply them: \S*\/claude\.ts apply --include \.vscode/)
  isTwoLines(t, await stack.cli(['diff', 'docs/none']), {
    error: /the agent changed nothing at docs\/none/,
    hint: /diff --stat/,
  })
  for (const args of [
    ['diff', 'docs', 'docs/none'],
    ['apply', 'a.txt', 'a.tx'],
    ['diff', 'tracked.log'],
  ]) {
    isTwoLines(t, await stack.cli(args), { error: /the agent changed nothing at/, hint: /--stat/ })
  }
  const dry = await stack.cli(['apply', '--dry-run', 'a.txt', 'gone.txt', 'tracked.log'])
  t.equal(dry.stdout, 'M a.txt\nD gone.txt\n')
  t.same(await hostState(), untouched, 'a dry run changes nothing')
})

t.test('a file that changed on both sides stops apply before anything is written', async t => {
  await agent("printf 'of the agent\\n' > mine.txt")
  await writeFile(join(stack.workspace, 'mine.txt'), 'of the host\n')
  const edited = await hostState()
  isTwoLines(t, await stack.cli(['apply']), {
    error: /1 file changed both here and in the copy: mine\.txt/,
    hint: /add --keep-mine to apply the rest, --take-copy to replace yours, or -i .*; nothing was applied/,
  })
  isTwoLines(t, await stack.cli(['apply', '.env']), {
    error: /1 file changed both here and in the copy: \.env/,
    hint: /nothing was applied/,
  })
  t.match(
    (await stack.cli(['diff', '--stat'])).stderr,
    /changed here too since the copy was taken: mine\.txt/,
  )
  t.same(await hostState(), edited)
})

t.test('apply brings the rest back, and refuses links that lead outside', async t => {
  const { code, stdout, stderr } = await stack.cli(['apply', '--keep-mine'])
  t.equal(code, 1, 'one change was refused')
  t.match(
    stderr,
    /outside is not applied: it is a symlink to \/etc\/passwd, which can lead outside/,
  )
  t.match(stderr, /kept your version of mine\.txt/)
  t.match(stderr, /applied 9 of 10 changes; \S*\/claude\.ts apply --undo reverts them/)
  t.match(stdout, /D gone\.txt[\s\S]*M a\.txt|M a\.txt/)
  t.notMatch(stdout + stderr, /[\x00-\x08\x0b-\x1f\x7f]/)
  t.equal(await host('a.txt'), 'one\nTWO\n')
  t.equal(await host('docs/moved.txt'), 'changed\n')
  t.equal(await host('mine.txt'), 'of the host\n')
  t.equal(await host('new/file.txt'), 'new\n')
  t.match(await stat(join(stack.workspace, 'new/file.txt')), { uid: 0, gid: 0, mode: 0o100755 })
  await t.rejects(host('gone.txt'), { code: 'ENOENT' })
  await t.rejects(stat(join(stack.workspace, 'outside')), { code: 'ENOENT' })
  await t.rejects(stat(join(stack.workspace, '.vscode')), { code: 'ENOENT' })
  t.equal(await host('.git/hooks/pre-commit'), '#!/bin/sh\n')
  t.equal(await host('.env'), files['.env'], 'what was left out stays as it is')
  t.equal(await host('node_modules/pkg/index.js'), 'ignored\n')
  t.equal(await host('data/big.bin'), 'left out by name\n')
  t.equal((await run('find', [stack.workspace, '-name', '*.tmp'])).stdout, '')
})

t.test('undo puts the folder back, and the copy still has the changes', async t => {
  await writeFile(join(stack.workspace, 'a.txt'), 'edited since\n')
  isTwoLines(t, await stack.cli(['apply', '--undo']), {
    error: /1 file changed since the apply of .*: a\.txt/,
    hint: /add --keep-mine to skip these files; nothing was undone/,
  })
  await writeFile(join(stack.workspace, 'a.txt'), 'one\nTWO\n')
  const { code, stderr } = await stack.cli(['apply', '--undo'])
  t.equal(code, 0, stderr)
  const content = (state: readonly string[]) =>
    state
      .map(line => line.replace(/ \d+(\.\d+)? (?=[0-9a-f]{64}$)/, ' '))
      .filter(line => !/^(mine\.txt|[^ ]+) 4/.test(line) && !line.startsWith('mine.txt'))
  t.same(content(await hostState()), content(untouched))
  isTwoLines(t, await stack.cli(['apply', '--undo']), {
    error: /this folder has no apply to undo/,
    hint: /the last ten/,
  })
  const names = JSON.parse((await stack.cli(['diff', '--json'])).stdout)
  t.equal(names.changes.length, 11, 'with mine.txt')
})

t.test('--take-copy, --include and a named path apply what was held back', async t => {
  isTwoLines(t, await stack.cli(['apply', '--include', '.vscod']), {
    code: 2,
    error: /--include \.vscod is not the name of a withheld/,
    hint: /did you mean \.vscode\?/,
  })
  const args = ['--take-copy', '--include', '.vscode', 'mine.txt', '.vscode', 'node_modules/a']
  const { code, stderr } = await stack.cli(['apply', ...args])
  t.equal(code, 0, stderr)
  t.equal(await host('mine.txt'), 'of the agent\n')
  t.match(await host('.vscode/settings.json'), /evil/)
  t.same(await readdir(join(stack.workspace, 'node_modules')), ['a', 'pkg'])
  t.equal((await stack.cli(['apply', '--undo'])).code, 0)
  t.equal(await host('mine.txt'), 'of the host\n')
  t.same(await readdir(join(stack.workspace, 'node_modules')), ['pkg'])
  await writeFile(join(stack.workspace, 'mine.txt'), files['mine.txt'])
  await agent("printf 'before\\n' > mine.txt; rm outside")
})

t.test('Ctrl-C at a question applies nothing', async t => {
  const before = await hostState()
  const terminal = await stack.terminal(['apply', '--interactive', 'a.txt', 'gone.txt'])
  await terminal.waitFor(/\(1\/2\) M a\.txt/)
  await terminal.type('y')
  await terminal.press('Enter')
  await terminal.waitFor(/\(2\/2\) D gone\.txt/)
  await terminal.press('C-c')
  t.equal(await terminal.exitStatus(), 130)
  t.same(await hostState(), before)
})

t.test('--interactive asks file by file, and part by part', async t => {
  const terminal = await stack.terminal(['apply', '--interactive', 'a.txt', 'gone.txt', 'long.txt'])
  await terminal.waitFor(/\(1\/3\) M a\.txt: apply it\?/)
  await terminal.type('d')
  await terminal.press('Enter')
  await terminal.waitFor(/-two[\s\S]*\+TWO[\s\S]*\(1\/3\)/)
  await terminal.type('n')
  await terminal.press('Enter')
  await terminal.waitFor(/\(2\/3\) D gone\.txt/)
  await terminal.type('y')
  await terminal.press('Enter')
  await terminal.waitFor(/\(3\/3\) M long\.txt/)
  await terminal.type('p')
  await terminal.press('Enter')
  await terminal.waitFor(/part 1 of 2/)
  await terminal.type('n')
  await terminal.press('Enter')
  await terminal.waitFor(/part 2 of 2/)
  await terminal.type('y')
  await terminal.press('Enter')
  t.equal(await terminal.exitStatus(), 0)
  t.equal(await host('a.txt'), files['a.txt'])
  t.match(await host('long.txt'), /line 3\n[\s\S]*LINE 50\n/)
  await t.rejects(host('gone.txt'), { code: 'ENOENT' })
  const left = await stack.cli(['diff', 'long.txt'])
  t.match(left.stdout, /\+LINE 3/)
  t.notMatch(left.stdout, /\+LINE 50/, 'what was taken is no difference any more')
  isTwoLines(t, await stack.cli(['apply', '-i']), {
    code: 2,
    error: /needs a terminal/,
    hint: /PATH/,
  })
  t.equal((await stack.cli(['apply'])).code, 0)
  t.match(await host('long.txt'), /LINE 3\n[\s\S]*LINE 50\n/)
})

t.test('a second start continues with the same copy, also after stop', async t => {
  await agent('echo more >> a.txt')
  await mkdir(join(stack.workspace, 'later'))
  await writeFile(join(stack.workspace, 'later/c.txt'), 'of the host\n')
  t.equal((await stack.cli(['start', '--detach'])).code, 0)
  await stack.cli(['stop'])
  const again = await stack.cli(['start', '--detach', '--worker'])
  t.equal(again.code, 0, again.stderr)
  const worker = await stack.inside(['cat', '/workspace/a.txt'], { service: 'worker' })
  t.equal(worker.stdout, 'one\nTWO\nmore\n', 'runs have the copy of the sessions')
  t.equal((await agent('cat a.txt')).stdout, 'one\nTWO\nmore\n')
  t.not((await agent('cat later/c.txt')).code, 0, 'the copy is of its own time')
  t.equal((await stack.cli(['apply'])).code, 0)
  t.equal(await host('a.txt'), 'one\nTWO\nmore\n')
})

t.test('--fresh-copy takes a new copy', async t => {
  await agent('echo lost >> a.txt')
  const kept = await stack.cli(['start', '--detach', '--exclude', 'docs'])
  t.match(kept.stderr, /--exclude and --include-ignored had no effect/)
  const left = JSON.parse((await stack.cli(['diff', '--json'])).stdout)
  t.match(left.changes, [{ path: 'a.txt' }])
  // Also what earlier applies withheld or left out: it is nowhere else.
  const ignored = left.ignored.reduce((sum: number, { files }: { files: number }) => sum + files, 0)
  const count = left.changes.length + left.withheld.length + ignored
  isTwoLines(t, await stack.cli(['start', '--detach', '--fresh-copy']), {
    error: new RegExp(
      `no terminal: Discard the copy, with ${count} unapplied changes?( and commits or branches)?\\?`,
    ),
    hint: /run it again with -f/,
  })
  t.equal((await agent('tail -n 1 a.txt')).stdout, 'lost\n', 'and the copy is kept')
  isTwoLines(t, await stack.cli(['start', '--detach', '--mount']), {
    error: /belongs to root and --mount was given/,
    hint: /omit --mount/,
  })
  const fresh = ['--force', '--fresh-copy', '--include-ignored', '.env', '--exclude', 'long.txt']
  const { code, stderr } = await stack.cli(['start', '--detach', ...fresh])
  t.equal(code, 0, stderr)
  t.equal((await agent('cat a.txt later/c.txt')).stdout, 'one\nTWO\nmore\nof the host\n')
  t.equal((await agent('cat .env; ls | grep -c long')).stdout, `${files['.env']}0\n`)
  t.match((await stack.cli(['diff'])).stderr, /the agent changed nothing/)
})

t.test('WORKSPACE_MODE=mount on a folder owned by root is refused', async t => {
  const env = { ...stack.env, WORKSPACE_MODE: 'mount' }
  const script = join(stack.checkout, 'claude.ts')
  isTwoLines(t, await run(script, ['start', '--detach'], { cwd: stack.workspace, env }), {
    error: /belongs to root and WORKSPACE_MODE is mount/,
    hint: /set WORKSPACE_MODE=copy.*never runs as root/,
  })
})

t.test('names that are not UTF-8 stay two files, in the copy and back', async t => {
  const bytes = (...codes: number[]) =>
    Buffer.concat([Buffer.from(`${stack.workspace}/caf`), Buffer.from(codes)])
  await writeFile(bytes(0xe9), 'acute\n')
  await writeFile(bytes(0xe8), 'grave\n')
  const started = await stack.cli(['start', '--detach', '--force', '--fresh-copy', '--copy'])
  t.equal(started.code, 0, started.stderr)
  t.notMatch(started.stderr, /not copied/)
  const script = `printf acute- > "$(printf 'caf\\351')"; printf grave- > "$(printf 'caf\\350')"`
  const changed = await agent(script)
  t.equal(changed.code, 0, changed.stderr)
  const { stdout } = await stack.cli(['diff', '--stat'])
  t.match(stdout, /^M caf\\xE8$/m)
  t.match(stdout, /^M caf\\xE9$/m)
  t.equal((await stack.cli(['apply'])).code, 0)
  t.equal(await readFile(bytes(0xe9), 'utf8'), 'acute-')
  t.equal(await readFile(bytes(0xe8), 'utf8'), 'grave-')
  t.equal((await stack.cli(['apply', '--undo'])).code, 0)
  t.equal(await readFile(bytes(0xe9), 'utf8'), 'acute\n')
  t.equal(await readFile(bytes(0xe8), 'utf8'), 'grave\n')
})
