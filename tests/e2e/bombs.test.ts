import { readdir, stat } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import t from 'tap'
import { must, until } from '../support/stack/process.ts'
import { createTestStack } from '../support/stack/test-stack.ts'

const stack = await createTestStack(t, { allow: ['allowed.test'] })

const reachesAllowed = async () => {
  const { stdout } = await stack.inside(['curl', '-sSk', '-m', '120', 'https://allowed.test/'])
  return stdout.includes('reached-the-internet')
}

/** Bytes of the logs in a folder, once the engine has written what it was given. */
async function settledSize(folder: string): Promise<number> {
  let last = -1
  const size = async () => {
    const names = (await readdir(folder)).filter(name => name.includes('-json.log'))
    // One that is turned over meanwhile has another name.
    const sizes = names.map(name => stat(join(folder, name)).then(({ size }) => size))
    const total = (await Promise.all(sizes).catch(() => [-1])).reduce((sum, each) => sum + each, 0)
    const isSettled = total >= 0 && total === last
    last = total
    return isSettled
  }
  await until('the log to stand still', size)
  return last
}

t.test('a program that opens files endlessly hits its own limit (C3)', async t => {
  const bomb = `
    const { openSync } = require('fs')
    let count = 0
    try { for (;;) { openSync('/dev/null'); count++ } } catch ({ code }) { console.log(code, count) }
  `
  // Several at once: the limit is each process's own, the number of processes the container's.
  const outcomes = await Promise.all(
    Array.from({ length: 8 }, () => stack.inside(['node', '-e', bomb])),
  )
  for (const { stdout } of outcomes) {
    const [code, count] = stdout.trim().split(' ')
    t.equal(code, 'EMFILE')
    t.ok(Number(count) > 1_000 && Number(count) < 8_192, `${count} files`)
  }
  t.ok(await reachesAllowed(), 'the proxy has its own, and serves')
})

t.test('an endless log takes at most 30 MB of disk (C3)', async t => {
  const path = (
    await must('docker', ['inspect', '--format', '{{.LogPath}}', stack.container('claude')])
  ).trim()
  // The container's own output is a file of process 1, and the agent's to write.
  const { code, stderr } = await stack.inside([
    'sh',
    '-c',
    'head -c 60000000 /dev/zero | tr "\\0" x | fold -w 1000 > /proc/1/fd/1',
  ])
  t.equal(code, 0, stderr)
  const total = await settledSize(dirname(path))
  t.ok(total > 9_000_000, `something was kept: ${total} bytes`)
  t.ok(total < 33_000_000, `${total} bytes`)
  t.ok(await reachesAllowed(), 'and the stack goes on')
})

t.test('endless requests are logged within the same bound, and others are served', async t => {
  const flood = `
    const net = require('net')
    let open = 0, sent = 0
    const one = () => {
      if (sent++ >= 4000) return
      open++
      const s = net.connect(3128, 'proxy', () => s.write('CONNECT ' + 'x'.repeat(4000) + '.evil.test:443 HTTP/1.1\\r\\n\\r\\n'))
      s.on('data', () => s.destroy()); s.on('error', () => {})
      s.on('close', () => { if (--open === 0 && sent >= 4000) console.log('done'); one() })
    }
    for (let i = 0; i < 100; i++) one()
  `
  const [flooded, served] = await Promise.all([
    stack.inside(['node', '-e', flood], { timeout: 600_000 }),
    reachesAllowed(),
  ])
  t.match(flooded.stdout, 'done')
  t.ok(served)
  const path = (
    await must('docker', ['inspect', '--format', '{{.LogPath}}', stack.container('proxy')])
  ).trim()
  const total = await settledSize(dirname(path))
  t.ok(total < 33_000_000, `${total} bytes`)
})
