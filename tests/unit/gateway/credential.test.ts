import { rmSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import t from 'tap'
import { UserError } from '../../../src/base/errors.ts'
import { callersOf, createCredentialFile } from '../../../src/gateway/credential.ts'

const secret = 'sk-ant-api03-SENTINEL-0001'
const later = 'sk-ant-api03-SENTINEL-0002'
const valid = { kind: 'api-key', secret, placeholder: 'sk-ant-api03-placeholder' }

t.test('the file is read again after it was rewritten in place', async t => {
  const path = join(t.testdir({ credential: JSON.stringify(valid) }), 'credential')
  const credentials = createCredentialFile(path)
  t.equal((await credentials.read()).secret, secret)
  t.equal(await credentials.read(), await credentials.read(), 'unchanged, it is parsed once')
  const { ino } = statSync(path)
  await sleep(10)
  writeFileSync(path, JSON.stringify({ ...valid, secret: later }))
  t.equal(statSync(path).ino, ino)
  t.equal((await credentials.read()).secret, later)
})

t.test('a half-written file is read again until it is complete', async t => {
  const path = join(t.testdir({ credential: '{"kind":"api-' }), 'credential')
  const reading = createCredentialFile(path).read()
  await sleep(20)
  writeFileSync(path, JSON.stringify(valid))
  t.equal((await reading).secret, secret)
})

t.test('anything but a small regular file is refused at once', async t => {
  const folder = t.testdir({ folder: {}, large: 'x'.repeat(65 * 1024) })
  await t.rejects(createCredentialFile(join(folder, 'folder')).read(), /it is not a regular file/)
  await t.rejects(createCredentialFile(join(folder, 'large')).read(), /it is larger than 64 KiB/)
})

t.test('a missing file means no credential, not the old one', async t => {
  const path = join(t.testdir({ credential: JSON.stringify(valid) }), 'credential')
  const credentials = createCredentialFile(path)
  await credentials.read()
  rmSync(path)
  await t.rejects(credentials.read(), /credential file .*\/credential: it is missing/)
  await t.rejects(credentials.read(), UserError)
})

t.test('an invalid credential is refused without quoting its content', async t => {
  const wrong: Record<string, string> = {
    empty: '',
    'not JSON': `sk ${secret}`,
    'cut off': JSON.stringify(valid).slice(0, -1),
    'another kind': JSON.stringify({ ...valid, kind: secret }),
    'a member too many': JSON.stringify({ ...valid, [secret]: 1 }),
    'a secret with a line break': JSON.stringify({ ...valid, secret: `${secret}\r\nx: y` }),
    'a secret with a space': JSON.stringify({ ...valid, secret: `${secret} ` }),
    'an empty placeholder': JSON.stringify({ ...valid, placeholder: '' }),
    'the secret as its placeholder': JSON.stringify({ ...valid, placeholder: secret }),
  }
  const folder = t.testdir(wrong)
  const judge = async (name: string) => {
    const path = join(folder, name)
    const error = await createCredentialFile(path)
      .read()
      .catch((reason: unknown) => reason)
    if (!(error instanceof UserError)) return t.fail(name)
    t.match(error.message, /it is not valid/, name)
    t.match(error.hint, /ANTHROPIC_API_KEY or CLAUDE_CODE_OAUTH_TOKEN/)
    t.notMatch(`${error.stack} ${error.hint} ${String(error.cause)}`, 'SENTINEL', name)
  }
  // Side by side: each is read again and again for a while.
  await Promise.all(Object.keys(wrong).map(judge))
})

t.test('tenants are read with their budgets; two may share nothing', async t => {
  const key = 'k'.repeat(43)
  const caller = (tenant: string, more = {}) => ({
    ...{ tenant, placeholder: `sk-ant-api03-of-${tenant}`, meterKey: key, budget: {} },
    ...more,
  })
  const folder = t.testdir()
  const read = (callers: unknown, name = 'tenants') => {
    writeFileSync(join(folder, name), JSON.stringify({ ...valid, callers }))
    return createCredentialFile(join(folder, name)).read()
  }
  const two = [caller('blue', { budget: { usdPerDay: 0.5, tokensPerDay: 9 } }), caller('red')]
  t.same(callersOf(await read(two)), two)
  t.match(callersOf(await read(undefined)), [{ tenant: null, placeholder: valid.placeholder }])
  const refused = [
    ['none', []],
    ['one name', [caller('blue'), caller('blue', { placeholder: 'sk-ant-api03-of-another' })]],
    ['one placeholder', [caller('blue'), caller('red', { placeholder: 'sk-ant-api03-of-blue' })]],
    ['the secret as a placeholder', [caller('blue', { placeholder: secret })]],
    ['a path as a name', [caller('../etc', { placeholder: 'sk-ant-api03-of-another' })]],
    ['a short key', [caller('blue', { meterKey: 'k' })]],
    ['no key', [caller('blue', { meterKey: undefined })]],
    ['a negative budget', [caller('blue', { budget: { usdPerDay: -1 } })]],
    ['an unknown budget', [caller('blue', { budget: { usd: 1 } })]],
  ] as const
  // Side by side: each is read again and again for a while.
  await Promise.all(
    refused.map(([what, callers]) => t.rejects(read(callers, what), UserError, what)),
  )
})
