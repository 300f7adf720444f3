import t from 'tap'
import { Settings } from '../../../src/config/settings.ts'
import { findCredentials, judgeCredentials } from '../../../src/doctor/credentials.ts'

const secret = 'V3RYS3CRET'
const key = `sk-ant-api03-${secret}`
const token = `sk-ant-oat01-${secret}`

function judge(file: Record<string, string>, env: Record<string, string> = {}) {
  const settings = Settings.parse({ ...file, ...settingsOf(env) })
  const checks = judgeCredentials(settings, findCredentials(file, env))
  return checks.map(({ id, severity, message, hint }) => `${id} ${severity}: ${message} ${hint}`)
}

function settingsOf(env: Record<string, string>) {
  return Object.fromEntries(Object.entries(env).filter(([name]) => name in Settings.shape))
}

t.test('names the credential in use with its place and kind', async t => {
  t.match(judge({ ANTHROPIC_API_KEY: key }), [
    /^credential ok: ANTHROPIC_API_KEY from \.env: API key/,
  ])
  t.match(judge({ CLAUDE_CODE_OAUTH_TOKEN: token }), [/CLAUDE_CODE_OAUTH_TOKEN from \.env: OAuth/])
  t.match(judge({}, { ANTHROPIC_API_KEY: key }), [/from your environment: API key/])
})

t.test('names unused credentials with the one that takes precedence', async t => {
  const both = judge({ ANTHROPIC_API_KEY: key, CLAUDE_CODE_OAUTH_TOKEN: token })
  t.match(
    both[1],
    /note: CLAUDE_CODE_OAUTH_TOKEN in \.env is not used: ANTHROPIC_API_KEY from \.env/,
  )
  const over = judge({ ANTHROPIC_API_KEY: key }, { ANTHROPIC_API_KEY: `${key}2` })
  t.match(over[1], /ANTHROPIC_API_KEY in \.env is not used: .* your environment takes precedence/)
  t.match(
    judge({ ANTHROPIC_API_KEY: key }, { ANTHROPIC_AUTH_TOKEN: secret })[1],
    /ANTHROPIC_AUTH_TOKEN/,
  )
})

t.test('a credential in the wrong place, or of the wrong kind, is a warning', async t => {
  t.match(
    judge({ ANTHROPIC_API_KEY: token })[1],
    /warning: .* is an OAuth token move it to CLAUDE_CODE/,
  )
  t.match(judge({ CLAUDE_CODE_OAUTH_TOKEN: key })[1], /is an API key move it to ANTHROPIC_API_KEY/)
  t.match(judge({ ANTHROPIC_API_KEY: `sk-ant-admin01-${secret}` })[1], /warning: .* admin key/)
  t.match(judge({ CLAUDE_CODE_OAUTH_TOKEN: `sk-ant-ort01-${secret}` })[1], /refresh token/)
  t.equal(judge({ ANTHROPIC_API_KEY: 'of-a-gateway' }).length, 1)
})

t.test('knows the credential of each upstream', async t => {
  const company = { ANTHROPIC_BASE_URL: 'https://llm.corp.example', ANTHROPIC_AUTH_TOKEN: secret }
  t.match(judge(company), [
    /^credential ok: ANTHROPIC_AUTH_TOKEN from \.env: bearer token of a comp/,
  ])
  const bedrock = {
    ...{ CLAUDE_CODE_USE_BEDROCK: '1', AWS_REGION: 'us-east-1', AWS_ACCESS_KEY_ID: 'AKIA' },
    AWS_SECRET_ACCESS_KEY: secret,
  }
  t.match(judge({ ...bedrock, ANTHROPIC_API_KEY: key }), [
    /^credential ok: AWS_SECRET_ACCESS_KEY from \.env: access key for Amazon Bedrock/,
    /note: ANTHROPIC_API_KEY in \.env is not used: AWS_SECRET_ACCESS_KEY/,
  ])
  t.match(judge({ CLAUDE_CODE_USE_BEDROCK: '1' })[0], /^credential refusal: .* needs AWS_REGION/)
  const vertex = {
    ...{ CLAUDE_CODE_USE_VERTEX: '1', CLOUD_ML_REGION: 'global' },
    ...{ ANTHROPIC_VERTEX_PROJECT_ID: 'my-project', GOOGLE_APPLICATION_CREDENTIALS: '/k.json' },
  }
  t.match(judge(vertex), [/^credential ok: the service account in GOOGLE_APPLICATION_CREDENTIALS/])
  const others = { AWS_SECRET_ACCESS_KEY: secret, AWS_SESSION_TOKEN: secret }
  t.equal(judge({ ANTHROPIC_API_KEY: key }, others).length, 1, 'of other programs')
})

t.test('none is a warning, two ways at once a problem', async t => {
  t.match(judge({})[0], /^credential warning: no key or token in \.env.*setup-token/)
  t.match(judge({ CREDENTIALS: 'direct', ANTHROPIC_API_KEY: key })[0], /^credential refusal: /)
})

t.test('shows the kind of a credential and no part of its value', async t => {
  const all = [
    ...judge(
      { ANTHROPIC_API_KEY: token, CLAUDE_CODE_OAUTH_TOKEN: key },
      { ANTHROPIC_API_KEY: key },
    ),
    ...judge({ CREDENTIALS: 'direct', ANTHROPIC_API_KEY: key }, { ANTHROPIC_AUTH_TOKEN: secret }),
  ].join('\n')
  t.notMatch(all, secret)
  t.notMatch(all, 'sk-ant')
})
