import { readFile, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { Settings } from '../../../../src/config/settings.ts'
import { StoredToken } from '../../../../src/config/tenants.ts'
import {
  hashToken,
  newToken,
  readTokens,
  refuseShared,
  tokensInForce,
  writeTokens,
} from '../../../../src/operations/serve/stored-tokens.ts'
import { makeServerFolders, serverFolder } from '../../../../src/stack/server/server-folder.ts'

const user = { uid: process.getuid?.() ?? 0, gid: process.getgid?.() ?? 0 }
const main = [{ name: 'main', budget: {} }]
const entry = (name: string, tenant = 'main') =>
  StoredToken.parse({
    name,
    tenant,
    sha256: hashToken(name),
    createdAt: '2026-01-01T00:00:00Z',
  })

async function folderOf(t: Test) {
  const folder = serverFolder({ path: t.testdir({}) })
  await makeServerFolders(folder, user)
  return folder
}

t.test('a token is stored as a hash, in a file for its reader alone', async t => {
  const folder = await folderOf(t)
  const token = newToken()
  t.match(token, /^cs-[\w-]{43}$/)
  await writeTokens(folder, [{ ...entry('alice'), sha256: hashToken(token) }], user)
  const text = await readFile(folder.tokens, 'utf8')
  t.notMatch(text, token)
  t.equal((await stat(folder.tokens)).mode & 0o777, 0o400)
  t.equal((await stat(folder.access)).mode & 0o777, 0o700)
  t.match(await readTokens(folder), [{ name: 'alice', sha256: hashToken(token) }])
})

t.test('a damaged file is refused, so that no token is lost with it', async t => {
  const folder = serverFolder({ path: t.testdir({ server: { 'tokens.json': '{"version":1' } }) })
  await t.rejects(readTokens(folder), { message: `${folder.tokens} is damaged` })
})

t.test('without any token, serve makes one, and keeps it', async t => {
  const folder = await folderOf(t)
  const given = { settings: Settings.parse({}), tenants: main, withoutToken: false }
  const first = await tokensInForce(folder, given)
  t.same(first.place, { kind: 'file', path: join(folder.ownToken) })
  t.match(first.tokens, [{ name: 'default', tenant: 'main', sha256: hashToken(first.own ?? '') }])
  await writeFile(folder.ownToken, `${first.own}\n`)
  await writeTokens(folder, first.tokens, user)
  const second = await tokensInForce(folder, given)
  t.equal(second.own, first.own)
  t.same(second.tokens, first.tokens, 'the time too, so that the file stays as it is')
})

t.test('API_TOKEN is the token default beside those that were added', async t => {
  const folder = await folderOf(t)
  await writeTokens(folder, [entry('default'), entry('alice')], user)
  const settings = Settings.parse({ API_TOKEN: 'x'.repeat(20) })
  const given = { settings, tenants: main, withoutToken: false }
  const { tokens, place } = await tokensInForce(folder, given)
  t.same(place, { kind: 'setting' })
  t.same(
    tokens.map(({ name, sha256 }) => [name, sha256]),
    [
      ['default', hashToken('x'.repeat(20))],
      ['alice', hashToken('alice')],
    ],
  )
})

t.test('without API_TOKEN, added tokens are the only ones', async t => {
  const folder = await folderOf(t)
  await writeTokens(folder, [entry('default'), entry('alice')], user)
  const given = { settings: Settings.parse({}), tenants: main, withoutToken: true }
  const { tokens, place } = await tokensInForce(folder, given)
  t.same(place, { kind: 'added', names: ['alice'] })
  t.same(
    tokens.map(({ name }) => name),
    ['alice'],
  )
})

t.test('a token of main needs that tenant', async t => {
  const folder = await folderOf(t)
  const tenants = [{ name: 'team', budget: {} }]
  for (const settings of [{}, { API_TOKEN: 'x'.repeat(20) }]) {
    const given = { settings: Settings.parse(settings), tenants, withoutToken: false }
    await t.rejects(tokensInForce(folder, given), {
      message: /tenant main/,
      hint: /serve token add NAME/,
    })
  }
})

t.test('several tokens do not share a subscription unless the user accepts that', async t => {
  const two = [entry('a'), entry('b')]
  t.throws(() => refuseShared(two, 'oauth-token', { SHARED_OAUTH: 'refuse' }), {
    message: /^2 tokens would share CLAUDE_CODE_OAUTH_TOKEN/,
    hint: /ANTHROPIC_API_KEY instead, or SHARED_OAUTH=accept/,
  })
  t.doesNotThrow(() => refuseShared(two, 'oauth-token', { SHARED_OAUTH: 'accept' }))
  t.doesNotThrow(() => refuseShared(two, 'api-key', { SHARED_OAUTH: 'refuse' }))
  t.doesNotThrow(() => refuseShared([entry('a')], 'oauth-token', { SHARED_OAUTH: 'refuse' }))
})

t.test('nor do several people in chats', async t => {
  const one = [entry('a')]
  const refuse = { SHARED_OAUTH: 'refuse' } as const
  t.throws(() => refuseShared(one, 'oauth-token', refuse, 2), {
    message: /^2 people in telegram.yml would share CLAUDE_CODE_OAUTH_TOKEN/,
  })
  t.doesNotThrow(() => refuseShared(one, 'oauth-token', refuse, 1), 'the same person')
  t.doesNotThrow(() => refuseShared(one, 'oauth-token', { SHARED_OAUTH: 'accept' }, 9))
  t.doesNotThrow(() => refuseShared(one, 'api-key', refuse, 9))
})
