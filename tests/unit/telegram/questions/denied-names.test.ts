import t from 'tap'
import type { RunEvent } from '../../../../src/run/result.ts'
import { createDeniedNames } from '../../../../src/telegram/questions/denied-names.ts'

const event = (type: string, content: object[]): RunEvent => ({
  ...{ kind: 'claude', seq: 1, at: '' },
  message: { type, message: { content } },
})

function after(command: string, output: string) {
  const names = createDeniedNames()
  names.see(event('assistant', [{ type: 'tool_use', id: 't1', name: 'Bash', input: { command } }]))
  return names.see(event('user', [{ type: 'tool_result', tool_use_id: 't1', content: output }]))
}

t.test('a name that the proxy refused is found in what the tools say', async t => {
  const curl = 'curl: (56) CONNECT tunnel failed, response 407'
  t.same(after('curl https://api.example.com/x', curl), ['api.example.com'])
  t.same(
    after(
      'git clone https://git.example.com/a',
      'fatal: Received HTTP code 407 from proxy after CONNECT',
    ),
    ['git.example.com'],
  )
  t.same(
    after('pip download -i https://pip.example.com x', 'Tunnel connection failed: 407 Proxy Auth'),
    ['pip.example.com'],
  )
  t.same(after('x', '{"error":"files.example.org is not on the allowlist"}'), ['files.example.org'])
  t.same(after('curl https://api.example.com', 'HTTP/1.1 403 Forbidden'), [], 'of the site itself')
  t.same(after('curl https://203.0.113.7/x', curl), [], 'an address is not a name')
  t.same(after('curl https://a.test https://b.test https://c.test https://d.test', curl).length, 3)
})

t.test('a name is told once', async t => {
  const names = createDeniedNames()
  const result = event('user', [
    { type: 'tool_result', tool_use_id: 'x', content: 'a.example.com is not on the allowlist' },
  ])
  t.same(names.see(result), ['a.example.com'])
  t.same(names.see(result), [])
  t.same(names.see({ kind: 'notice', text: 'a.test is not on the allowlist', seq: 1, at: '' }), [])
})
