import t from 'tap'
import { originOf } from '../../../../src/gateway/counting/origin.ts'

const meter = '0123456789abcdef'
const session = '0b6f3f0e-1111-4222-8333-444455556666'
const [sessionId, agentId, parentId] = [
  'X-Claude-Code-Session-Id',
  'x-claude-code-agent-id',
  'x-claude-code-parent-agent-id',
]

t.test('a request belongs to the session and the agent that it names', async t => {
  t.same(originOf([], meter), { meter })
  t.same(originOf([sessionId, session], meter), { meter, session })
  t.same(originOf([sessionId, session, agentId, 'a1', parentId, 'a0'], meter), {
    ...{ meter, session },
    agent: 'a1',
    parentAgent: 'a0',
  })
  t.same(originOf([parentId, 'a0'], meter), { meter }, 'the main conversation has no parent')
})

t.test('a malformed name, or two of them, is no name', async t => {
  for (const name of [
    ...['', 'a b', 'a/b', '../../etc', 'x'.repeat(65), '\u001b[2J', '{"a":1}'],
    `sk-ant-api03-${'x'.repeat(40)}`,
  ]) {
    t.same(originOf([agentId, name], meter), { meter, agent: 'other' }, name)
  }
  t.same(originOf([agentId, 'a1', agentId, 'a2'], meter), { meter, agent: 'other' })
})
