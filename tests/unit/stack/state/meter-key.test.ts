import { chmodSync, readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { writeMeterKey } from '../../../../src/stack/state/meter-key.ts'

const agent = { uid: 1234, gid: 1234 }
const isRoot = process.getuid?.() === 0

t.test('the runner can read its key, and no one changes it', async t => {
  const path = join(t.testdir({}), 'meter-key')
  await writeMeterKey(path, 'k'.repeat(43), agent)
  t.equal(readFileSync(path, 'utf8'), 'k'.repeat(43))
  const { mode, uid } = statSync(path)
  t.equal(mode & 0o777, isRoot ? 0o400 : 0o444)
  if (isRoot) t.equal(uid, agent.uid)
})

t.test(
  'an equal key stays the same file, which a worker has mounted; another replaces it',
  async t => {
    const path = join(t.testdir({}), 'meter-key')
    await writeMeterKey(path, 'k'.repeat(43), agent)
    const { ino } = statSync(path)
    await writeMeterKey(path, 'k'.repeat(43), agent)
    t.equal(statSync(path).ino, ino)
    await writeMeterKey(path, 'z'.repeat(43), agent)
    t.equal(readFileSync(path, 'utf8'), 'z'.repeat(43))
    chmodSync(path, 0o600)
  },
)
