import t from 'tap'
import { turnOf } from '../../../src/run/turns.ts'

const result = (content: unknown) => ({
  type: 'user',
  message: { content: [{ type: 'tool_result', tool_use_id: 'x', content }] },
})

t.test('a result of blocks is their texts; other blocks are named', async t => {
  const content = [{ type: 'text', text: 'a' }, { type: 'image', source: {} }, 7]
  t.match(turnOf(result(content)), {
    role: 'tool_result',
    content: [{ toolUseId: 'x', isError: false, content: 'a\n[image]\n[content]' }],
  })
  t.match(turnOf(result(undefined)), { content: [{ content: '' }] })
})

t.test('results are cut at 2000 characters, not before', async t => {
  t.same(turnOf(result('x'.repeat(2000)))?.content, [
    { type: 'tool_result', toolUseId: 'x', isError: false, content: 'x'.repeat(2000) },
  ])
  t.match(turnOf(result('x'.repeat(2001)))?.content, [
    { content: 'x'.repeat(2000), truncated: true, totalLength: 2001 },
  ])
})

t.test('thinking and user texts are not turns', async t => {
  const thinking = { type: 'assistant', message: { content: [{ type: 'thinking' }] } }
  t.equal(turnOf(thinking), null)
  const text = { type: 'user', message: { content: [{ type: 'text', text: 'call the tool' }] } }
  t.equal(turnOf(text), null)
})
