import { execFileSync } from 'node:child_process'
import { generateKeyPairSync } from 'node:crypto'
import t from 'tap'
import { holdsSecret, keyPattern, realKeys } from '../../../../src/audit/key-search.ts'

const key = `sk-ant-api03-${'Ab0_-'.repeat(10)}AA`

t.test('keys and tokens are found, placeholders and short words are not', async t => {
  t.same(realKeys(`a\0${key}\0b`), [key])
  for (const kind of ['oat01', 'ort01', 'sid01', 'admin01']) {
    t.equal(realKeys(key.replace('api03', kind)).length, 1, kind)
  }
  t.same(realKeys(key.replace('api03-', 'api03-placeholder-')), [])
  t.same(realKeys('sk-ant-api03-...'), [])
})

t.test('grep finds the same keys', async t => {
  const found = execFileSync('grep', ['-aoE', keyPattern], { input: `x${key}\n`, encoding: 'utf8' })
  t.equal(found, `${key}\n`)
})

t.test('a PEM key is found however its line breaks are written', async t => {
  // Short keys, which are made in a tenth of the time: only their text counts.
  const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 1024 })
  const { privateKey: other } = generateKeyPairSync('rsa', { modulusLength: 1024 })
  const pem = String(privateKey.export({ type: 'pkcs8', format: 'pem' }))
  for (const text of [pem, JSON.stringify({ key: pem }), pem.replaceAll('\n', '')]) {
    t.equal(holdsSecret(text, pem), true)
  }
  t.equal(holdsSecret(Buffer.from(JSON.stringify({ key: pem })).toString('base64'), pem), true)
  t.equal(holdsSecret(String(other.export({ type: 'pkcs8', format: 'pem' })), pem), false)
})

t.test('a secret is found in plain text and in base64 at every offset', async t => {
  t.equal(holdsSecret(`"${key}"`, key), true)
  for (const before of ['', 'a', 'ab', 'abc', '{"key":"']) {
    for (const encoding of ['base64', 'base64url'] as const) {
      const encoded = Buffer.from(`${before}${key}"}`).toString(encoding)
      t.equal(holdsSecret(encoded, key), true, `${encoding} after "${before}"`)
    }
  }
  t.equal(holdsSecret(key.slice(1), key), false)
  t.equal(holdsSecret('', key), false)
})
