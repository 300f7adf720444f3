import { chmod, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import t from 'tap'
import { replaceSquidConf } from '../../../../src/operations/policy/squid-conf.ts'

t.test('the shared list of another user is refused once, with the way for one folder', async t => {
  const root = await mkdtemp(join(tmpdir(), 'squid-conf-'))
  t.teardown(() => rm(root, { recursive: true, force: true }))
  const path = join(root, 'proxy/squid.conf')
  await mkdir(join(root, 'proxy'))
  await mkdir(join(root, '.build'))
  await writeFile(path, 'old')
  for (const folder of [root, join(root, 'proxy')]) await chmod(folder, 0o755)
  await chmod(join(root, '.build'), 0o555)
  await chmod(path, 0o644)
  const isRoot = process.getuid?.() === 0
  if (isRoot) process.seteuid?.(65_534)
  try {
    await t.rejects(replaceSquidConf(root, 'new'), {
      message: `cannot write ${path} (EACCES)`,
      hint: /allow --here NAME/,
    })
  } finally {
    if (isRoot) process.seteuid?.(0)
  }
  t.equal(await readFile(path, 'utf8'), 'old')
})
