import { existsSync, mkdirSync, readFileSync, statSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { type ServerGrant, withGrant } from '../../../src/egress/server-grants.ts'
import { editServerGrants, readServerGrants } from '../../../src/egress/server-grants-file.ts'

const now = new Date('2026-11-21T12:00:00Z')
const until = '2026-11-21T18:00:00Z'
const opening = (name: string) => (grants: readonly ServerGrant[]) =>
  withGrant(grants, { name, until, by: 'host:me' }, ['main'], now).grants

t.test('edits at the same time do not undo each other', async t => {
  const folder = t.testdir({})
  const names = ['a', 'b', 'c', 'd', 'e', 'f'].map(letter => `${letter}.example.com`)
  await Promise.all(names.map(name => editServerGrants(folder, opening(name), 60_000)))
  const kept = await readServerGrants(folder)
  t.same(kept.map(({ name }) => name).sort(), names)
  t.notOk(existsSync(join(folder, 'grants.lock')), 'no lock stays')
  t.equal(statSync(join(folder, 'grants.list')).mode & 0o777, 0o644, 'the proxy can read it')
})

t.test('a lock that stays, even as a folder, does not hold an edit', async t => {
  const folder = t.testdir({ 'grants.lock': '' })
  await editServerGrants(folder, opening('a.example.com'), 0)
  t.notOk(existsSync(join(folder, 'grants.lock')), 'the stale lock is gone')
  mkdirSync(join(folder, 'grants.lock'))
  await editServerGrants(folder, opening('b.example.com'), 0)
  t.equal((await readServerGrants(folder)).length, 2)
})

t.test('a link in the place of the file is refused and not written through', async t => {
  const folder = t.testdir({ outside: 'kept', grants: {} })
  const inside = join(folder, 'grants')
  symlinkSync(join(folder, 'outside'), join(inside, 'grants.list'))
  await t.rejects(editServerGrants(inside, opening('a.example.com')), {
    message: /not a regular file/,
  })
  t.equal(readFileSync(join(folder, 'outside'), 'utf8'), 'kept')
})

t.test('a refused change leaves the file and no lock', async t => {
  const folder = t.testdir({})
  writeFileSync(join(folder, 'grants.list'), '')
  await t.rejects(
    editServerGrants(folder, () => {
      throw new Error('too many')
    }),
    { message: 'too many' },
  )
  t.notOk(existsSync(join(folder, 'grants.lock')))
})
