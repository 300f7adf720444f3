import { chmod, readFile, stat } from 'node:fs/promises'
import { join } from 'node:path'
import t from 'tap'
import { imageAdditions } from '../../../src/config/image-additions.ts'
import { hashContents, readAdditions, writeContents } from '../../../src/images/image-additions.ts'

const read = (folder: string) => readAdditions(imageAdditions({ CUSTOM_DIR: folder }))

t.test('nothing added is null', async t => {
  t.equal(await read('/nonexistent'), null)
  t.equal(await read(t.testdir({ bin: { tool: '' }, 'init.d': { 'README.md': '' } })), null)
})

t.test('what was read is written as it was, with modes that no umask changes', async t => {
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

t.test('names, bytes and modes are in the hash', async t => {
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
