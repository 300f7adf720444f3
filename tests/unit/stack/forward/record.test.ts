import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { endForward, readForwards, recordForwards } from '../../../../src/stack/forward/record.ts'

async function stateFolder(t: Test) {
  const path = await mkdtemp(join(tmpdir(), 'claude-secure-test-forward-'))
  t.teardown(() => rm(path, { recursive: true, force: true }))
  return { path }
}

t.test('forwards of a living process are listed until it removes them', async t => {
  const state = await stateFolder(t)
  t.strictSame(await readForwards(state), [], 'also before there is a folder')
  const remove = await recordForwards(state, [
    { service: 'claude', port: 5173, local: 8080 },
    { service: 'claude', port: 5432, local: 5432 },
  ])
  t.match(await readForwards(state), [
    { port: 5432, local: 5432, pid: process.pid },
    { service: 'claude', port: 5173, local: 8080 },
  ])
  await remove()
  t.strictSame(await readForwards(state), [])
})

t.test('a record of a dead process, or of another with its id, is removed', async t => {
  const state = await stateFolder(t)
  await recordForwards(state, [{ service: 'claude', port: 5173, local: 5173 }])
  const path = join(state.path, 'forwards/5173.json')
  const record = JSON.parse(await readFile(path, 'utf8'))
  for (const change of [{ ticks: '1' }, { pid: 4_194_305 }, { local: 0 }]) {
    await writeFile(path, JSON.stringify({ ...record, ...change }))
    t.strictSame(await readForwards(state), [], JSON.stringify(change))
    t.strictSame(await readdir(join(state.path, 'forwards')), [])
  }
})

t.test('only the process that holds the port is ended', async t => {
  const state = await stateFolder(t)
  await recordForwards(state, [{ service: 'claude', port: 5173, local: 5173 }])
  const [record] = await readForwards(state)
  if (!record) throw new Error('there is no record')
  const other = spawn('sleep', ['60'])
  t.teardown(() => other.kill('SIGKILL'))
  await once(other, 'spawn')
  await endForward({ ...record, pid: other.pid ?? 0 })
  t.equal(other.signalCode, null)
  const stat = await readFile(`/proc/${other.pid}/stat`, 'utf8')
  const ticks = stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19] ?? ''
  await endForward({ ...record, pid: other.pid ?? 0, ticks })
  const [, signal] = await once(other, 'exit')
  t.equal(signal, 'SIGTERM')
})
