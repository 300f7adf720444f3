import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { chmod, mkdir, readdir, readFile, symlink, utimes, writeFile } from 'node:fs/promises'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { Worker } from 'node:worker_threads'
import t, { type Test } from 'tap'
import { holdName, readHolder } from '../../../src/process/name-lock.ts'
import { childProgram } from '../../support/child-program.ts'
import { repetitions } from '../../support/soak.ts'

const folderOf = (t: Test) => join(t.testdir({}), 'locks')

t.test('one process at a time holds a name, and others can read its text', async t => {
  const folder = folderOf(t)
  t.equal(await readHolder(folder, 'a'), null, 'free, and the folder is not made for a question')
  const release = await holdName(folder, 'a', 'run 1')
  if (!release) return t.fail('a free name was not given')
  t.equal(await holdName(folder, 'a', 'run 2'), null, 'taken')
  t.equal(await readHolder(folder, 'a'), 'run 1')
  const other = await holdName(folder, 'b')
  t.ok(other, 'another name is free')
  other?.()
  release()
  const again = await holdName(folder, 'a')
  t.ok(again, 'free again')
  t.equal(await readHolder(folder, 'a'), '')
  again?.()
})

t.test('of many that try at once exactly one holds the name', async t => {
  const folder = folderOf(t)
  for (let round = 0; round < 10; round++) {
    const held = await Promise.all(
      Array.from({ length: 8 }, (_, index) => holdName(folder, 'a', `${index}`)),
    )
    t.equal(held.filter(release => release !== null).length, 1)
    for (const release of held) release?.()
  }
})

t.test('a folder with a long path serves too', async t => {
  const folder = join(t.testdir({}), 'x'.repeat(200), 'locks')
  const release = await holdName(folder, 'a', 'far')
  t.equal(await readHolder(folder, 'a'), 'far')
  release?.()
})

const module = join(import.meta.dirname, '../../../src/process/name-lock.ts')

const turns = repetitions({ short: 5, full: 30 })

/** Returns a program that takes the name again and again, and logs when it holds it. */
function rivalSource(folder: string, log: string): string {
  return `
    import { appendFileSync } from 'node:fs'
    import { holdName } from ${JSON.stringify(module)}
    for (let done = 0; done < ${turns};) {
      const release = await holdName(${JSON.stringify(folder)}, 'a')
      await new Promise(resolve => setTimeout(resolve, Math.random() * 5))
      if (!release) continue
      appendFileSync(${JSON.stringify(log)}, 'in ' + process.pid + '\\n')
      await new Promise(resolve => setTimeout(resolve, 2))
      appendFileSync(${JSON.stringify(log)}, 'out ' + process.pid + '\\n')
      release()
      done++
    }`
}

t.test('processes never hold a name together', async t => {
  const folder = folderOf(t)
  const log = join(t.testdir({ log: '' }), 'log')
  const program = await childProgram(t, rivalSource(folder, log))
  const rivals = Array.from({ length: 4 }, () =>
    spawn(process.execPath, [program], { stdio: ['ignore', 'inherit', 'inherit'] }),
  )
  const codes = await Promise.all(rivals.map(async child => (await once(child, 'exit'))[0]))
  t.same(codes, [0, 0, 0, 0])
  const lines = (await readFile(log, 'utf8')).trim().split('\n')
  t.equal(lines.length, 4 * turns * 2)
  for (let index = 0; index < lines.length; index += 2) {
    t.equal(lines[index]?.replace('in', 'out'), lines[index + 1])
  }
})

t.test(
  'a name is free at once after its holder was killed, and stays taken by a stopped one',
  async t => {
    const folder = folderOf(t)
    const source = `
    import { holdName } from ${JSON.stringify(module)}
    await holdName(${JSON.stringify(folder)}, 'a', 'child')
    console.log('held')
    setInterval(() => {}, 1000)`
    const child = spawn(process.execPath, [await childProgram(t, source)], {
      stdio: ['ignore', 'pipe', 'inherit'],
    })
    t.teardown(() => child.kill('SIGKILL'))
    await once(child.stdout, 'data')
    t.equal(await readHolder(folder, 'a'), 'child')
    child.kill('SIGSTOP')
    t.equal(await holdName(folder, 'a'), null, 'a suspended command still holds it')
    child.kill('SIGKILL')
    await once(child, 'exit')
    t.equal(await readHolder(folder, 'a'), null)
    const release = await holdName(folder, 'a')
    t.ok(release)
    t.equal((await readdir(folder)).length, 1, 'the dead socket is gone')
    release?.()
  },
)

t.test('a folder that others can enter or make is refused', async t => {
  const open = folderOf(t)
  await mkdir(open)
  await chmod(open, 0o777)
  await t.rejects(holdName(open, 'a'), {
    message: /is open to other users .*mode 777/,
    hint: /rm -r/,
  })
  const link = join(t.testdir({ target: {} }), 'link')
  await symlink('target', link)
  await t.rejects(holdName(link, 'a'), { message: /cannot use .*ENOTDIR|ELOOP/ })
  const file = join(t.testdir({}), 'file')
  await writeFile(file, '')
  await t.rejects(holdName(join(file, 'locks'), 'a'), {
    message: /cannot use the folder for locks/,
  })
})

t.test('a folder that is exchanged for a link leads nowhere (H7)', async t => {
  const top = t.testdir({ outside: { '.profile': 'mine' }, locks: {} })
  const outside = join(top, 'outside')
  const folder = join(top, 'locks')
  for (const path of [outside, folder]) await chmod(path, 0o700)
  await utimes(join(outside, '.profile'), 0, 0)
  // A thread swaps far more often than a shell, which starts a program for each step.
  const swapper = new Worker(
    `const { renameSync, symlinkSync, unlinkSync } = require('node:fs')
    const { folder } = require('node:worker_threads').workerData
    for (;;) {
      renameSync(folder, folder + '.kept')
      symlinkSync('outside', folder)
      unlinkSync(folder)
      renameSync(folder + '.kept', folder)
    }`,
    { eval: true, workerData: { folder } },
  )
  t.teardown(() => swapper.terminate())
  let looked = 0
  for (let attempt = 0; attempt < 3_000; attempt++) {
    await readHolder(folder, 'a').then(
      () => looked++,
      () => {},
    )
  }
  await swapper.terminate()
  t.ok(looked > 0, 'the folder itself was read')
  t.same(await readdir(outside), ['.profile'], 'an old file elsewhere is not removed')
})

t.test("another user's abstract socket of the old name takes nothing", async t => {
  const folder = folderOf(t)
  const squatter = createServer().listen('\0claude-secure/0/claude-secure-app-00000001')
  await once(squatter, 'listening')
  t.teardown(() => squatter.close())
  const release = await holdName(folder, 'claude-secure-app-00000001')
  t.ok(release)
  release?.()
})
