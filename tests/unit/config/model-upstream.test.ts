import t from 'tap'
import { modelUpstream, upstreamSites, upstreamUrl } from '../../../src/config/model-upstream.ts'
import { Settings } from '../../../src/config/settings.ts'

const chosen = (values: object) => modelUpstream(Settings.parse(values))
const bedrock = { CLAUDE_CODE_USE_BEDROCK: '1', AWS_REGION: 'eu-west-1' }
const vertex = {
  CLAUDE_CODE_USE_VERTEX: '1',
  CLOUD_ML_REGION: 'us-east5',
  ANTHROPIC_VERTEX_PROJECT_ID: 'my-project',
}

t.test("without a choice, and with Anthropic's own URL, it is Anthropic's API", async t => {
  for (const values of [
    {},
    { ANTHROPIC_BASE_URL: 'https://api.anthropic.com' },
    { CLAUDE_CODE_USE_BEDROCK: '0' },
  ]) {
    t.same(chosen(values), { kind: 'anthropic' })
    t.same(upstreamSites(upstreamUrl(chosen(values))), [])
  }
})

t.test('each upstream has its URL, and opens no name but its own', async t => {
  const region = (CLOUD_ML_REGION: string) => ({ ...vertex, CLOUD_ML_REGION })
  for (const [values, url, sites] of [
    [
      { ANTHROPIC_BASE_URL: 'https://llm.corp.example/a' },
      'https://llm.corp.example/a',
      ['llm.corp.example'],
    ],
    [
      bedrock,
      'https://bedrock-runtime.eu-west-1.amazonaws.com',
      ['bedrock-runtime.eu-west-1.amazonaws.com'],
    ],
    [
      vertex,
      'https://us-east5-aiplatform.googleapis.com',
      ['us-east5-aiplatform.googleapis.com', 'oauth2.googleapis.com'],
    ],
    [
      region('global'),
      'https://aiplatform.googleapis.com',
      ['aiplatform.googleapis.com', 'oauth2.googleapis.com'],
    ],
    [
      region('eu'),
      'https://aiplatform.eu.rep.googleapis.com',
      ['aiplatform.eu.rep.googleapis.com', 'oauth2.googleapis.com'],
    ],
  ] as const) {
    t.equal(upstreamUrl(chosen(values)), url)
    t.same(upstreamSites(upstreamUrl(chosen(values))), sites)
  }
})

t.test('two upstreams at once, and one without a part, are refused', async t => {
  t.throws(() => chosen({ ...bedrock, ...vertex }), {
    message: 'CLAUDE_CODE_USE_VERTEX cannot be combined with CLAUDE_CODE_USE_BEDROCK',
  })
  t.throws(() => chosen({ CLAUDE_CODE_USE_BEDROCK: '1' }), {
    message: 'CLAUDE_CODE_USE_BEDROCK=1 needs AWS_REGION',
  })
  t.throws(() => chosen({ ...vertex, CLOUD_ML_REGION: undefined }), { message: /needs CLOUD_ML/ })
  t.throws(() => chosen({ ...vertex, ANTHROPIC_VERTEX_PROJECT_ID: undefined }), {
    message: /needs ANTHROPIC_VERTEX_PROJECT_ID/,
  })
})

t.test('a URL that the proxy could not reach, or that hides something, is refused', async t => {
  for (const url of [
    'http://llm.corp.example',
    'https://llm.corp.example:8443',
    'https://localhost',
    'https://10.1.2.3',
    'https://[::1]',
    'https://user:pass@llm.corp.example',
    'https://llm.corp.example/?x=1',
    'https://llm.corp.example/a/../b',
    'https://llm.corp.example//a',
    'https://llm.corp.example/%2e',
    'https://LLM.corp.example',
    'https://llm.corp.example evil.example',
  ]) {
    t.equal(Settings.safeParse({ ANTHROPIC_BASE_URL: url }).success, false, url)
  }
  for (const [name, value] of [
    ['AWS_REGION', 'us-east-1.evil.example'],
    ['CLOUD_ML_REGION', 'x.evil.example/'],
    ['ANTHROPIC_VERTEX_PROJECT_ID', '../x'],
    ['MODEL_IDS', 'a=b?c'],
    ['CLAUDE_CODE_USE_BEDROCK', 'yes'],
  ] as const) {
    t.equal(Settings.safeParse({ [name]: value }).success, false, name)
  }
})
