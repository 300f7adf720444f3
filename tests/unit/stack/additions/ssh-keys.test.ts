import { homedir } from 'node:os'
import { join } from 'node:path'
import t from 'tap'
import { readSshKeys, renderSshConfig } from '../../../../src/stack/additions/ssh-keys.ts'

const secret = '-----BEGIN OPENSSH PRIVATE KEY-----\nabc\n-----END OPENSSH PRIVATE KEY-----\n'
const pair = { id_x: secret, 'id_x.pub': 'ssh-ed25519 AAAA me\n', known_hosts: 'host key\n' }

t.test('the pairs, known_hosts and a configuration, and nothing else of the folder', async t => {
  const folder = t.testdir({
    ...pair,
    config: 'ProxyCommand evil',
    notes: 'x',
    authorized_keys: 'x',
  })
  const files = await readSshKeys(folder, [])
  t.same(
    files.map(({ name, secret }) => [name, secret ?? false]),
    [
      ['ssh-id_x', true],
      ['ssh-id_x.pub', false],
      ['ssh-known_hosts', false],
      ['ssh-config', false],
    ],
  )
  t.match(files.at(-1)?.text, /IdentityFile \/etc\/claude-secure\/ssh\/id_x\n/)
})

t.test('no host key is taken over unseen', async t => {
  const text = renderSshConfig(['/k'])
  for (const line of [
    'StrictHostKeyChecking yes',
    'IdentitiesOnly yes',
    'GlobalKnownHostsFile none',
  ]) {
    t.match(text, line)
  }
  await t.rejects(readSshKeys(t.testdir({ id_x: secret }), []), { message: /has no known_hosts/ })
})

t.test('what is no folder of keys for the agent', async t => {
  const cases: [object, RegExp][] = [
    [{ known_hosts: 'x' }, /has no private key/],
    [{ ...pair, id_y: 'text' }, /id_y is not a key/],
    [{ ...pair, id_y: t.fixture('symlink', 'id_x') }, /id_y is not a key/],
    [{ ...pair, 'id_x.pub': secret }, /id_x\.pub is not a key/],
  ]
  for (const [files, message] of cases) {
    await t.rejects(readSshKeys(t.testdir(files as typeof pair), []), { message })
  }
})

t.test("the user's own keys, and places of an agent", async t => {
  await t.rejects(readSshKeys('/nowhere', []), { message: /cannot be read: ENOENT/ })
  await t.rejects(readSshKeys(homedir(), []), { message: /your own keys/ })
  const folder = t.testdir({
    '.ssh': { ...pair },
    link: t.fixture('symlink', '.ssh'),
    keys: { ...pair },
  })
  for (const name of ['.ssh', 'link']) {
    await t.rejects(readSshKeys(join(folder, name), []), { message: /your own keys/ }, name)
  }
  const own = [{ path: folder, what: 'a part of the workspace' }]
  await t.rejects(readSshKeys(join(folder, 'keys'), own), { message: /a part of the workspace/ })
})
