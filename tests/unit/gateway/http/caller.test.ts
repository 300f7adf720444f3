import t from 'tap'
import { ApiError } from '../../../../src/gateway/api-error.ts'
import { checkCaller } from '../../../../src/gateway/http/caller.ts'

const placeholder = 'sk-ant-api03-placeholder'
const foreign = 'sk-ant-api03-of-another'
const apiKey = { kind: 'api-key', secret: 'sk-ant-api03-the-real-one', placeholder } as const
const oauth = { kind: 'oauth-token', secret: 'sk-ant-oat01-the-real-one', placeholder } as const

function status(headers: string[], credential: typeof apiKey | typeof oauth) {
  try {
    checkCaller(headers, credential)
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
    checkCaller(['x-api-key', foreign], apiKey)
    t.fail('was let through')
  } catch (error) {
    const text = String(error)
    for (const key of [foreign, placeholder, apiKey.secret]) t.notMatch(text, key)
  }
})
