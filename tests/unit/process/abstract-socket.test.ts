import { randomUUID } from 'node:crypto'
import t from 'tap'
import { holdName, readHolder } from '../../../src/process/abstract-socket.ts'

t.test('one process at a time holds a name, and others can read its text', async t => {
  const name = `test/${randomUUID()}`
  t.equal(await readHolder(name), null, 'free')
  const release = await holdName(name, 'run 1')
  if (!release) return t.fail('a free name was not given')
  t.equal(await holdName(name, 'run 2'), null, 'taken')
  t.equal(await readHolder(name), 'run 1')
  release()
  const again = await holdName(name)
  t.ok(again, 'free again')
  t.equal(await readHolder(name), '')
  again?.()
})
