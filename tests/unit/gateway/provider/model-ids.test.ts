import t from 'tap'
import {
  bedrockModel,
  foundationModel,
  parseModelIds,
  vertexModel,
} from '../../../../src/gateway/provider/model-ids.ts'

const none = new Map<string, string>()

t.test('Bedrock gets an inference profile of the group of its region', async t => {
  for (const [model, region, id] of [
    ['claude-opus-5-5', 'us-east-1', 'us.anthropic.claude-opus-5-5'],
    ['claude-opus-5-5[1m]', 'eu-west-1', 'eu.anthropic.claude-opus-5-5'],
    ['claude-sonnet-4-5', 'ap-southeast-2', 'apac.anthropic.claude-sonnet-4-5-20250929-v1:0'],
    ['claude-haiku-4-5-20251001', 'sa-east-1', 'global.anthropic.claude-haiku-4-5-20251001-v1:0'],
    ['claude-opus-4-0', 'us-gov-west-1', 'us-gov.anthropic.claude-opus-4-20250514-v1:0'],
    ['claude-opus-4-6', 'us-west-2', 'us.anthropic.claude-opus-4-6-v1'],
    ['jp.anthropic.claude-sonnet-5', 'us-east-1', 'jp.anthropic.claude-sonnet-5'],
    ['arn:aws:bedrock:us-east-1:1:application-inference-profile/x', 'us-east-1', null],
  ] as const) {
    t.equal(bedrockModel(model, region, none), id ?? model, model)
  }
})

t.test('tokens are counted for the foundation model', async t => {
  t.equal(foundationModel('us-gov.anthropic.claude-sonnet-5'), 'anthropic.claude-sonnet-5')
  t.equal(foundationModel('anthropic.claude-sonnet-5'), 'anthropic.claude-sonnet-5')
})

t.test('Vertex AI separates the release date with @', async t => {
  t.equal(vertexModel('claude-haiku-4-5-20251001', none), 'claude-haiku-4-5@20251001')
  t.equal(vertexModel('claude-sonnet-4-5', none), 'claude-sonnet-4-5@20250929')
  t.equal(vertexModel('claude-opus-4-0', none), 'claude-opus-4@20250514')
  t.equal(vertexModel('claude-opus-5-5', none), 'claude-opus-5-5')
})

t.test('ids of the user replace those', async t => {
  const ids = parseModelIds('claude-opus-5-5=arn:aws:bedrock:x:1:inference-profile/y, a=b') ?? none
  t.equal(
    bedrockModel('claude-opus-5-5', 'us-east-1', ids),
    'arn:aws:bedrock:x:1:inference-profile/y',
  )
  t.equal(vertexModel('a', ids), 'b')
  t.equal(parseModelIds('')?.size, 0)
  for (const text of ['a', 'a=', '=b', 'a=b c', 'a=b=c', 'a=b?x'])
    t.equal(parseModelIds(text), null)
})
