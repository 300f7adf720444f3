import t from 'tap'
import { cloudBetas } from '../../../../src/gateway/provider/betas.ts'

t.test('only beta features that the clouds know pass, each once', async t => {
  const headers = [
    ...['anthropic-beta', 'oauth-2025-04-20, claude-code-20250219,context-1m-2025-08-07'],
    ...['Anthropic-Beta', 'context-1m-2025-08-07,prompt-caching-scope-2026-01-05'],
    ...['x-other', 'effort-2025-11-24'],
  ]
  t.same(cloudBetas(headers), ['claude-code-20250219', 'context-1m-2025-08-07'])
  t.same(cloudBetas(['anthropic-beta', 'context-1m-2025-08-07\r\nx: y']), [])
  t.same(cloudBetas([]), [])
})
