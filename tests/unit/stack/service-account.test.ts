import { generateKeyPairSync, type KeyObject } from 'node:crypto'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { readServiceAccount } from '../../../src/stack/service-account.ts'

const rsa = generateKeyPairSync('rsa', { modulusLength: 1024 }).privateKey
const ed25519 = generateKeyPairSync('ed25519').privateKey
const pem = (key: KeyObject, type: 'pkcs8' | 'pkcs1' = 'pkcs8') =>
  key.export({ type, format: 'pem' }).toString()

const account = {
  type: 'service_account',
  client_email: 'agent@my-project.iam.gserviceaccount.com',
  private_key: pem(rsa),
  token_uri: 'https://oauth2.googleapis.com/token',
  project_id: 'my-project',
}

const write = (t: Test, value: unknown) =>
  join(
    t.testdir({ 'key.json': typeof value === 'string' ? value : JSON.stringify(value) }),
    'key.json',
  )

t.test('returns address and key, the key in one form', async t => {
  for (const private_key of [account.private_key, pem(rsa, 'pkcs1')]) {
    const found = await readServiceAccount(write(t, { ...account, private_key }))
    t.equal(found.clientEmail, account.client_email)
    t.match(found.privateKey, /^-----BEGIN PRIVATE KEY-----\n/)
  }
})

t.test('any other file is refused without a part of it', async t => {
  for (const [value, reason] of [
    ['{"private_key": "S3CRET', /not JSON/],
    [{ ...account, type: 'authorized_user', refresh_token: 'S3CRET' }, /\(type\)/],
    [{ ...account, client_email: 'S3CRET\r\nx' }, /\(client_email\)/],
    [{ ...account, token_uri: 'https://S3CRET.example/token' }, /\(token_uri\)/],
    [{ ...account, private_key: 'S3CRET' }, /not an RSA key/],
    [{ ...account, private_key: pem(ed25519) }, /not an RSA key/],
    ['x'.repeat(70_000), /at most 64 KiB/],
  ] as const) {
    const error = await t.rejects(readServiceAccount(write(t, value)), {
      name: 'UserError',
      message: reason,
      hint: /JSON key of a service account/,
    })
    t.notMatch(String(error), /S3CRET|PRIVATE KEY/)
  }
  await t.rejects(readServiceAccount('/nowhere/key.json'), { message: /it is missing/ })
})
