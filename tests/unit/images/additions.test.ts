import { execFileSync } from 'node:child_process'
import { symlinkSync, truncateSync, writeFileSync } from 'node:fs'
import { chmod, readFile, stat } from 'node:fs/promises'
import { join } from 'node:path'
import t from 'tap'
import { imageAdditions } from '../../../src/config/image-additions.ts'
import {
  hashContents,
  listAdditions,
  readAdditions,
  writeContents,
} from '../../../src/images/additions.ts'

const list = (folder: string, settings: { DOCKERFILE?: string } = {}) => {
  const { scripts, context } = listAdditions(imageAdditions({ CUSTOM_DIR: folder, ...settings }))
  const paths = (files: typeof scripts) => files.map(({ path }) => path)
  return { scripts: paths(scripts), context: context && paths(context) }
}

t.test('lists scripts by name, and the context without the other parts', async t => {
  const folder = t.testdir({
    'init.d': { '20-b.sh': '', '10-a.sh': '', '.c.sh': '', 'd.txt': '', sub: { 'e.sh': '' } },
    bin: { tool: '' },
    '.git': { HEAD: '' },
    Dockerfile: '',
    conf: { deep: { x: '' }, bin: { y: '' } },
  })
  t.same(list(folder), {
    scripts: ['10-a.sh', '20-b.sh'],
    context: ['Dockerfile', 'conf/bin/y', 'conf/deep/x'],
  })
  t.same(list(join(folder, 'conf')), { scripts: [], context: null })
  t.same(list('/nonexistent'), { scripts: [], context: null })
})

t.test('a missing Dockerfile named in DOCKERFILE is an error', async t => {
  t.throws(() => list('/nonexistent', { DOCKERFILE: '/nonexistent/Dockerfile' }), {
    message: 'DOCKERFILE=/nonexistent/Dockerfile is not a file',
  })
})

t.test('symlinks to files outside of the folder are refused', async t => {
  const folder = t.testdir({ 'init.d': { real: 'echo' }, secret: 'x' })
  const link = join(folder, 'init.d/a.sh')
  symlinkSync('real', link)
  t.same(list(folder).scripts, ['a.sh'])
  for (const [target, message] of [
    ['/etc/passwd', /a\.sh is a symlink that leaves its folder$/],
    ['../secret', /a\.sh is a symlink that leaves its folder$/],
    ['missing', /a\.sh is a dangling symlink$/],
    ['.', /a\.sh is a symlink that leaves its folder$/],
    ['/', /a\.sh is a symlink that leaves its folder$/],
  ] as const) {
    const each = t.testdir({ 'init.d': {}, secret: 'x' })
    symlinkSync(target, join(each, 'init.d/a.sh'))
    t.throws(() => list(each), { message }, target)
  }
})

t.test('pipes and symlinked folders are refused before any file is read', async t => {
  const folder = t.testdir({ 'init.d': {} })
  execFileSync('mkfifo', [join(folder, 'init.d/pipe.sh')])
  t.throws(() => list(folder), { message: /pipe\.sh is not a regular file$/ })
  const other = t.testdir({ Dockerfile: '', sub: {} })
  symlinkSync('sub', join(other, 'link'))
  t.throws(() => list(other), { message: /link is not a regular file$/ })
})

t.test('a folder that is too large is refused', async t => {
  const many = t.testdir({ Dockerfile: '' })
  for (let index = 0; index < 1000; index++) writeFileSync(join(many, `${index}`), '')
  t.throws(() => list(many), { message: /holds more than 1000 files or 64 MiB$/ })
  const large = t.testdir({ Dockerfile: '', big: '' })
  truncateSync(join(large, 'big'), 65 * 1024 * 1024)
  t.throws(() => list(large), { message: /holds more than 1000 files or 64 MiB$/ })
})

const read = (folder: string) => readAdditions(imageAdditions({ CUSTOM_DIR: folder }))

t.test('returns null without additions', async t => {
  t.equal(await read('/nonexistent'), null)
  t.equal(await read(t.testdir({ bin: { tool: '' }, 'init.d': { 'README.md': '' } })), null)
})

t.test('writes the same bytes, with modes that do not depend on the umask', async t => {
  const folder = t.testdir({
    from: { Dockerfile: `ARG CLAUDE\nFROM \${CLAUDE}\n`, sub: { deep: { run: '\u0000\u00ff' } } },
    to: {},
  })
  await chmod(join(folder, 'from/sub/deep/run'), 0o700)
  const found = await read(join(folder, 'from'))
  const before = process.umask(0o077)
  t.teardown(() => process.umask(before))
  await writeContents(found?.dockerfile?.context ?? [], join(folder, 'to/context'))
  process.umask(before)
  const run = join(folder, 'to/context/sub/deep/run')
  t.equal(await readFile(run, 'utf8'), '\u0000\u00ff')
  t.equal((await stat(run)).mode & 0o777, 0o755)
  t.equal((await stat(join(folder, 'to/context/Dockerfile'))).mode & 0o777, 0o644)
  t.equal((await stat(join(folder, 'to/context/sub'))).mode & 0o777, 0o755)
})

t.test('the hash covers names, bytes and modes', async t => {
  const file = { path: 'a', executable: false, content: Buffer.from('x') }
  const hashes = [
    hashContents([]),
    hashContents([file]),
    hashContents([{ ...file, path: 'b' }]),
    hashContents([{ ...file, executable: true }]),
    hashContents([{ ...file, content: Buffer.from('y') }]),
    hashContents([file, file]),
  ]
  t.equal(new Set(hashes).size, hashes.length)
})

t.test("a Dockerfile must build on the agent's image", async t => {
  for (const good of [
    'ARG CLAUDE\nFROM $CLAUDE',
    `ARG CLAUDE\nFROM \${CLAUDE} AS mine\nRUN true`,
    `ARG CLAUDE\nFROM debian AS other\nfrom --platform=linux/amd64 "\${CLAUDE}"\n`,
  ]) {
    t.ok(await read(t.testdir({ Dockerfile: good })), good)
  }
  for (const bad of [
    'FROM debian',
    `# FROM \${CLAUDE}`,
    `FROM \${CLAUDE_X}`,
    `FROM x\${CLAUDE}`,
    '',
  ]) {
    await t.rejects(
      read(t.testdir({ Dockerfile: bad })),
      { message: /Dockerfile does not build on the agent's image$/, hint: /ARG CLAUDE/ },
      bad,
    )
  }
})
