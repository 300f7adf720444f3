import { mkdir, readdir, readFile, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import t from 'tap'
import { isTwoLines } from '../support/stack/control-script.ts'
import { run } from '../support/stack/process.ts'
import { createTestStack } from '../support/stack/test-stack.ts'

const files = {
  'a.txt': 'one\ntwo\n',
  'docs/b.txt': 'kept\n',
  'gone.txt': 'to be deleted\n',
  'mine.txt': 'before\n',
  '.git/hooks/pre-commit': '#!/bin/sh\n',
}
const stack = await createTestStack(t, { block: 2, workspaceOwner: 0, files, start: false })
const host = (path: string) => readFile(join(stack.workspace, path), 'utf8')
const agent = (script: string) => stack.inside(['sh', '-euc', `cd /workspace; ${script}`])

t.test('a folder of root is opened as a copy, and one line says so', async t => {
  const { code, stderr } = await stack.cli(['start', '--detach'])
  t.equal(code, 0, stderr)
  const said = stderr.split('\n').filter(line => /works on a copy/.test(line))
  t.equal(said.length, 1)
  t.match(said[0], `a copy of ${stack.workspace} (it is owned by root)`)
  t.match(said[0], /\.\/claude\.ts diff .*\.\/claude\.ts apply/)
  t.not((await agent('id -u')).stdout.trim(), '0')
  t.equal((await agent('cat a.txt docs/b.txt')).stdout, 'one\ntwo\nkept\n')
  t.match(JSON.parse((await stack.cli(['status', '--json'])).stdout), { workspaceMode: 'copy' })
})

t.test('what the agent does changes no file of the host', async t => {
  const { code, stderr } = await agent(`
    printf 'one\\nTWO\\n' > a.txt
    mkdir -p new; printf 'new\\n' > new/file.txt; chmod 755 new/file.txt
    rm gone.txt
    mkdir -p .git/hooks .vscode
    printf '#!/bin/sh\\ntouch /tmp/PLANTED\\n' > .git/hooks/pre-commit
    printf '{"git.path":"/workspace/evil"}' > .vscode/settings.json
    ln -s /etc/passwd outside; ln -s a.txt inside`)
  t.equal(code, 0, stderr)
  for (const [path, content] of Object.entries(files)) t.equal(await host(path), content, path)
  t.same((await readdir(stack.workspace)).sort(), ['.git', 'a.txt', 'docs', 'gone.txt', 'mine.txt'])
})

t.test('diff shows it as a patch, and names what is withheld', async t => {
  const { code, stdout, stderr } = await stack.cli(['diff'])
  t.equal(code, 0, stderr)
  t.match(stdout, /--- a\/a\.txt[\s\S]*-two\n\+TWO/)
  t.match(stdout, /\+\+\+ b\/new\/file\.txt[\s\S]*\+new/)
  t.match(stdout, /--- a\/gone\.txt[\s\S]*-to be deleted/)
  t.match(stderr, /not applied, because your host would run it: \.vscode\/settings\.json/)
  const names = JSON.parse((await stack.cli(['diff', '--json'])).stdout)
  t.match(names.changes, [
    { path: 'a.txt', kind: 'modified' },
    { path: 'gone.txt', kind: 'deleted' },
    { path: 'inside', kind: 'added' },
    { path: 'new/file.txt', kind: 'added' },
    { path: 'outside', kind: 'added' },
  ])
  t.equal((await stack.cli(['apply', '--dry-run'])).code, 0)
  t.equal(await host('a.txt'), files['a.txt'], 'a dry run changes nothing')
})

t.test('a file that changed on both sides stops apply before anything is written', async t => {
  await agent("printf 'of the agent\\n' > mine.txt")
  await writeFile(join(stack.workspace, 'mine.txt'), 'of the host\n')
  isTwoLines(t, await stack.cli(['apply']), {
    error: /1 files? changed both here and in the copy: mine\.txt/,
    hint: /nothing was applied/,
  })
  t.equal(await host('mine.txt'), 'of the host\n')
  t.equal(await host('a.txt'), files['a.txt'], 'nor was any other file')
  await writeFile(join(stack.workspace, 'mine.txt'), files['mine.txt'])
  await agent("printf 'before\\n' > mine.txt")
})

t.test(
  'apply brings the rest back, keeps what was there, and refuses what leads outside',
  async t => {
    const { code, stdout, stderr } = await stack.cli(['apply'])
    t.equal(code, 1, 'one change was refused')
    t.match(stderr, /outside is not applied: it is a link to \/etc\/passwd, outside the workspace/)
    t.match(stdout, /D gone\.txt[\s\S]*M a\.txt|M a\.txt/)
    t.equal(await host('a.txt'), 'one\nTWO\n')
    t.equal(await host('new/file.txt'), 'new\n')
    t.match(await stat(join(stack.workspace, 'new/file.txt')), { uid: 0, gid: 0, mode: 0o100755 })
    await t.rejects(host('gone.txt'), { code: 'ENOENT' })
    await t.rejects(stat(join(stack.workspace, 'outside')), { code: 'ENOENT' })
    await t.rejects(stat(join(stack.workspace, '.vscode')), { code: 'ENOENT' })
    t.equal(await host('.git/hooks/pre-commit'), files['.git/hooks/pre-commit'])
    const backup = /kept in (\S+)/.exec(stderr)?.[1] ?? 'no backup was named'
    t.equal(await readFile(join(backup, 'a.txt'), 'utf8'), files['a.txt'])
    t.equal(await readFile(join(backup, 'gone.txt'), 'utf8'), files['gone.txt'])
    t.equal((await run('find', [stack.workspace, '-name', '*.tmp'])).stdout, '')
  },
)

t.test('a second start, also after stop, goes on with the same copy', async t => {
  await agent('rm outside; echo more >> a.txt')
  await mkdir(join(stack.workspace, 'later'))
  await writeFile(join(stack.workspace, 'later/c.txt'), 'of the host\n')
  t.equal((await stack.cli(['start', '--detach'])).code, 0)
  await stack.cli(['stop'])
  t.equal((await stack.cli(['start', '--detach'])).code, 0)
  t.equal((await agent('cat a.txt')).stdout, 'one\nTWO\nmore\n')
  t.not((await agent('cat later/c.txt')).code, 0, 'the copy is of its own time')
  t.equal((await stack.cli(['apply'])).code, 0)
  t.equal(await host('a.txt'), 'one\nTWO\nmore\n')
})

t.test('--fresh-copy takes the folder anew', async t => {
  await agent('echo lost >> a.txt')
  const { code, stderr } = await stack.cli(['start', '--detach', '--fresh-copy'])
  t.equal(code, 0, stderr)
  t.equal((await agent('cat a.txt later/c.txt')).stdout, 'one\nTWO\nmore\nof the host\n')
  t.match((await stack.cli(['diff'])).stderr, /the agent changed nothing/)
})

t.test('WORKSPACE_MODE=mount on a folder of root is refused', async t => {
  const env = { ...stack.env, WORKSPACE_MODE: 'mount' }
  const script = join(stack.checkout, 'claude.ts')
  isTwoLines(t, await run(script, ['start', '--detach'], { cwd: stack.workspace, env }), {
    error: /belongs to root and WORKSPACE_MODE is mount/,
    hint: /never runs as root: set WORKSPACE_MODE=copy/,
  })
})
