import { spawn } from 'node:child_process'
import { join } from 'node:path'
import t from 'tap'
import { type LogEvent, silentLog } from '../../../../src/base/log.ts'
import { describeHolder, withLock } from '../../../../src/stack/state/lock.ts'
import { childProgram } from '../../../support/child-program.ts'

const name = 'claude-secure-app-00000001'
process.env.XDG_STATE_HOME = t.testdir({})

t.test('bodies under one lock never overlap', async t => {
  const events: string[] = []
  const body = (id: number) => async () => {
    events.push(`in ${id}`)
    await new Promise(resolve => setTimeout(resolve, 30))
    events.push(`out ${id}`)
  }
  await Promise.all([1, 2, 3].map(id => withLock(name, { log: silentLog }, body(id))))
  for (let i = 0; i < events.length; i += 2) {
    t.equal(events[i]?.replace('in', 'out'), events[i + 1], 'each goes out before the next goes in')
  }
})

t.test('different stacks do not wait for each other', async t => {
  await withLock(`${name}-a`, { log: silentLog }, () =>
    withLock(`${name}-b`, { log: silentLog }, async () => t.pass('both held')),
  )
})

t.test('an error in the body frees the lock', async t => {
  const failing = withLock(name, { log: silentLog }, () => Promise.reject(new Error('no')))
  await t.rejects(failing, { message: 'no' })
  await withLock(name, { log: silentLog }, async () => t.pass('free again'))
})

t.test('a command that waits names the one that holds the lock, and how to end it', async t => {
  const said: string[] = []
  const log = (event: LogEvent) => void said.push('text' in event ? event.text : '')
  await withLock(name, { log: silentLog }, async () => {
    await t.rejects(
      withLock(name, { log, timeout: 100 }, async () => {}),
      {
        message: new RegExp(`process ${process.pid} .* has been changing ${name} for 0.1 s`),
        hint: `end it with kill ${process.pid}, then run this command again`,
      },
    )
  })
  t.match(said, [new RegExp(`waiting for another command, process ${process.pid} `)])
})

t.test('what a holder says of itself is shown only in its form', async t => {
  t.match(describeHolder('12 start'), { name: /process 12 \(claude\.ts start\)/, end: /kill 12$/ })
  for (const text of [null, '', '12 \u001b[2J', 'x start', '1 2 3']) {
    t.match(describeHolder(text), { name: 'another command', end: /pgrep/ })
  }
})

t.test('the lock of a process that was killed is free at once', async t => {
  const lock = join(import.meta.dirname, '../../../../src/stack/state/lock.ts')
  const source = `import { withLock } from ${JSON.stringify(lock)}
    void withLock('${name}-killed', { log() {} }, () => new Promise(() => { console.log('held'); setInterval(() => {}, 1000) }))`
  const child = spawn(process.execPath, [await childProgram(t, source)], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  t.teardown(() => child.kill('SIGKILL'))
  await new Promise(resolve => child.stdout.once('data', resolve))
  child.kill('SIGKILL')
  await withLock(`${name}-killed`, { log: silentLog }, async () => t.pass('taken over'))
})

t.test('a cancelled command does not begin to change anything', async t => {
  const signal = AbortSignal.abort(new Error('interrupted'))
  const cancelled = withLock(name, { log: silentLog, signal }, async () => t.fail('it began'))
  await t.rejects(cancelled, { message: 'interrupted' })
})
