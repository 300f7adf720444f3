import t from 'tap'
import { signPlaceholder } from '../../../../src/base/run-placeholder.ts'
import { ApiError } from '../../../../src/gateway/api-error.ts'
import type { Credential } from '../../../../src/gateway/credential.ts'
import { identifyCaller } from '../../../../src/gateway/http/caller.ts'

const placeholder = 'sk-ant-api03-placeholder'
const foreign = 'sk-ant-api03-of-another'
const apiKey = { kind: 'api-key', secret: 'sk-ant-api03-the-real-one', placeholder } as const
const oauth = { kind: 'oauth-token', secret: 'sk-ant-oat01-the-real-one', placeholder } as const

function status(headers: string[], credential: Credential) {
  try {
    identifyCaller(headers, credential)
    return 200
  } catch (error) {
    if (error instanceof ApiError && error.type === 'authentication_error') return error.status
    throw error
  }
}

t.test('the placeholder in the header of its kind is accepted', async t => {
  t.equal(status(['X-Api-Key', placeholder], apiKey), 200)
  t.equal(status(['Authorization', `Bearer ${placeholder}`], oauth), 200)
  t.equal(status(['x-api-key', placeholder, 'authorization', `Bearer ${placeholder}`], oauth), 200)
})

t.test('no credential at all is 401', async t => {
  t.equal(status([], apiKey), 401)
  t.equal(status(['Accept', placeholder], oauth), 401)
})

t.test('everything else is 403', async t => {
  const cases: [string[], typeof apiKey | typeof oauth][] = [
    [['x-api-key', foreign], apiKey],
    [['x-api-key', ''], apiKey],
    [['x-api-key', `${placeholder} `], apiKey],
    [['x-api-key', placeholder.slice(0, -1)], apiKey],
    [['x-api-key', apiKey.secret], apiKey],
    [['authorization', `Bearer ${placeholder}`], apiKey],
    [['x-api-key', placeholder], oauth],
    [['authorization', placeholder], oauth],
    [['authorization', `bearer ${placeholder}`], oauth],
    [['authorization', `Basic ${placeholder}`], oauth],
    [['authorization', `Bearer ${foreign}`], oauth],
    [['authorization', `Bearer ${oauth.secret}`], oauth],
    [['x-api-key', placeholder, 'authorization', `Bearer ${foreign}`], apiKey],
    [['authorization', `Bearer ${placeholder}`, 'x-api-key', foreign], oauth],
    [['x-api-key', placeholder, 'x-api-key', foreign], apiKey],
    [['x-api-key', foreign, 'X-API-KEY', placeholder], apiKey],
    [['authorization', `Bearer ${placeholder}`, 'Authorization', `Bearer ${foreign}`], oauth],
  ]
  for (const [headers, credential] of cases) {
    t.equal(status(headers, credential), 403, `${credential.kind}: ${headers.join(' ')}`)
  }
})

t.test('the refusal quotes neither side', async t => {
  try {
    identifyCaller(['x-api-key', foreign], apiKey)
    t.fail('was let through')
  } catch (error) {
    const text = String(error)
    for (const key of [foreign, placeholder, apiKey.secret]) t.notMatch(text, key)
  }
})

const meter = '0123456789abcdef'
const [blueKey, redKey] = ['b'.repeat(43), 'r'.repeat(43)] as const
const blue = {
  tenant: 'blue',
  placeholder: 'sk-ant-api03-placeholder-blue',
  meterKey: blueKey,
  budget: {},
}
const red = {
  tenant: 'red',
  placeholder: 'sk-ant-api03-placeholder-red',
  meterKey: redKey,
  budget: {},
}
const tenants: Credential = { ...apiKey, callers: [blue, red] }
const signed = (caller: typeof blue, name = meter) =>
  signPlaceholder({ placeholder: caller.placeholder, key: caller.meterKey }, name)

t.test('a placeholder tells the tenant, and a signed one the process too', async t => {
  t.match(identifyCaller(['x-api-key', blue.placeholder], tenants), { caller: blue, meter: null })
  t.match(identifyCaller(['x-api-key', red.placeholder], tenants), { caller: red, meter: null })
  t.match(identifyCaller(['x-api-key', signed(red)], tenants), { caller: red, meter })
  const bearer = ['authorization', `Bearer ${signed(blue)}`]
  t.match(identifyCaller(bearer, { ...tenants, ...oauth, callers: [blue, red] }), {
    caller: blue,
    meter,
  })
  t.match(identifyCaller(['x-api-key', placeholder], apiKey), { caller: { tenant: null } })
})

t.test('a stack with tenants refuses its own placeholder, and every changed signature', async t => {
  const good = signed(blue)
  const proof = good.split('-')[6] ?? ''
  t.equal(status(['x-api-key', good], tenants), 200)
  for (const [what, key] of [
    ['the placeholder of no tenant', placeholder],
    ['another process', good.replace(meter, 'aaaaaaaaaaaaaaaa')],
    [
      "another tenant's process with this signature",
      signed(red).replace(/.{20}$/, good.slice(-20)),
    ],
    ['a signature cut off', good.replace(proof, proof.slice(1))],
    [
      'a signature by a key of nobody',
      signPlaceholder({ placeholder: blue.placeholder, key: 'z' }, meter),
    ],
    [
      "another tenant's key",
      signPlaceholder({ placeholder: blue.placeholder, key: redKey }, meter),
    ],
    ['a placeholder with more behind it', `${good}x`],
    ['a plain name', `${blue.placeholder}.${meter}`],
    ['the key itself', blueKey],
  ] as const) {
    t.equal(status(['x-api-key', key], tenants), 403, what)
  }
})

t.test('two placeholders in one request are refused, whoever they are of', async t => {
  for (const second of [signed(blue, 'aaaaaaaaaaaaaaaa'), blue.placeholder, red.placeholder]) {
    t.equal(status(['x-api-key', signed(blue), 'x-api-key', second], tenants), 403)
    t.equal(status(['x-api-key', signed(blue), 'authorization', `Bearer ${second}`], tenants), 403)
  }
})

t.test('without a key, nothing is signed', async t => {
  const forged = signPlaceholder({ placeholder, key: '' }, meter)
  t.equal(status(['x-api-key', forged], apiKey), 403)
})
