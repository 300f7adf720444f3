import t from 'tap'
import { camelKeys } from '../../../src/run/camel-keys.ts'

t.test('keys become camelCase by the rule of claudebox', async t => {
  t.same(
    camelKeys({
      total_cost_usd: 1,
      permission_denials: [{ tool_name: 'Bash' }],
      usage: { server_tool_use: { web_search_requests: 0 }, ephemeral_1h_input_tokens: 2 },
      costUSD: 3,
      _meta: 4,
    }),
    {
      totalCostUsd: 1,
      permissionDenials: [{ toolName: 'Bash' }],
      usage: { serverToolUse: { webSearchRequests: 0 }, ephemeral1hInputTokens: 2 },
      costUSD: 3,
      _meta: 4,
    },
  )
})

t.test('data of the user and names of models are left alone', async t => {
  const data = { file_path: '/a', deep: [{ new_string: 'x_y' }] }
  t.same(
    camelKeys({
      structured_output: data,
      content: [{ type: 'tool_use', tool_use_id: 'a_b', input: data }],
      tool_use_result: data,
      modelUsage: { my_own_model: { cost_usd: 1 } },
      result: 'total_cost_usd',
    }),
    {
      structuredOutput: data,
      content: [{ type: 'tool_use', toolUseId: 'a_b', input: data }],
      toolUseResult: data,
      modelUsage: { my_own_model: { costUsd: 1 } },
      result: 'total_cost_usd',
    },
  )
})
