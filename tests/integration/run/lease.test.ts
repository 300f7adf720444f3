import { spawn } from 'node:child_process'
import { join } from 'node:path'
import t from 'tap'
import { createSocketLease } from '../../../src/run/lease.ts'
import { childProgram } from '../../support/child-program.ts'

const stack = `claude-secure-test-${process.pid}`
const locks = join(t.testdir({}), 'locks')
const { signal } = new AbortController()
const first = '1111111111111111'
const second = '2222222222222222'

t.test('one run holds a workspace, and a second run is refused with its id', async t => {
  const lease = createSocketLease(stack, locks)
  const release = await lease.acquire('/workspace', first, { wait: false, signal })
  await t.rejects(lease.acquire('/workspace', second, { wait: false, signal }), {
    message: `workspace busy with run ${first}`,
    code: 'busy',
    holder: first,
  })
  const other = await lease.acquire('/workspaces/other', second, { wait: false, signal })
  const elsewhere = createSocketLease(`${stack}-2`, locks)
  const third = await elsewhere.acquire('/workspace', second, { wait: false, signal })
  for (const free of [release, other, third]) free()
  const again = await lease.acquire('/workspace', second, { wait: false, signal })
  again()
})

t.test('a waiting run gets the workspace, or is cancelled', async t => {
  const lease = createSocketLease(`${stack}-wait`, locks)
  const release = await lease.acquire('/workspace', first, { wait: false, signal })
  const controller = new AbortController()
  const off = lease.acquire('/workspace', second, { wait: true, signal: controller.signal })
  controller.abort(new Error('called off'))
  await t.rejects(off)
  const waiting = lease.acquire('/workspace', second, { wait: true, signal })
  setTimeout(release, 20)
  ;(await waiting)()
})

t.test('the lease of a process that was killed is free at once', async t => {
  const module = join(import.meta.dirname, '../../../src/run/lease.ts')
  const source = `import { createSocketLease } from ${JSON.stringify(module)}
    await createSocketLease('${stack}-killed', '${locks}').acquire('/workspace', '${first}', { wait: false, signal: new AbortController().signal })
    console.log('held'); setInterval(() => {}, 1000)`
  const child = spawn(process.execPath, [await childProgram(t, source)], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  t.teardown(() => child.kill('SIGKILL'))
  await new Promise(resolve => child.stdout.once('data', resolve))
  const lease = createSocketLease(`${stack}-killed`, locks)
  await t.rejects(lease.acquire('/workspace', second, { wait: false, signal }), { message: /busy/ })
  child.kill('SIGKILL')
  ;(await lease.acquire('/workspace', second, { wait: true, signal }))()
})
