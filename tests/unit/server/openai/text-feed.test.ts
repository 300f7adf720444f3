import t from 'tap'
import type { RunEvent } from '../../../../src/run/result.ts'
import { createTextFeed } from '../../../../src/server/openai/text-feed.ts'

const claude = (message: { type: string; [more: string]: unknown }): RunEvent => ({
  ...{ kind: 'claude', seq: 1, at: '' },
  message: { parent_tool_use_id: null, ...message },
})
const begin = (type = 'text') =>
  claude({ type: 'stream_event', event: { type: 'content_block_start', content_block: { type } } })
const delta = (text: string, more: object = {}) =>
  claude({
    type: 'stream_event',
    event: { type: 'content_block_delta', delta: { type: 'text_delta', text } },
    ...more,
  })
const whole = (...texts: string[]) =>
  claude({ type: 'assistant', message: { content: texts.map(text => ({ type: 'text', text })) } })

const textOf = (events: readonly RunEvent[]) => {
  const feed = createTextFeed()
  return events.map(feed.take)
}

t.test('each piece is passed on once, although the block comes again as a whole', async t => {
  t.same(textOf([begin(), delta('a'), delta('b'), whole('ab')]), ['', 'a', 'b', ''])
})

t.test('an empty line divides two blocks, and begins with the second', async t => {
  const events = [
    begin(),
    delta('a'),
    whole('a'),
    begin('tool_use'),
    begin(),
    delta('b'),
    delta('c'),
  ]
  t.equal(textOf(events).join(''), 'a\n\nbc')
})

t.test('a block without pieces comes as a whole, and a broken one is completed', async t => {
  t.equal(textOf([whole('a'), whole('b')]).join(''), 'a\n\nb')
  t.equal(textOf([begin(), delta('a'), whole('abc'), whole('d')]).join(''), 'abc\n\nd')
})

t.test('thoughts and the texts of subagents are left out', async t => {
  const thought = claude({
    type: 'stream_event',
    event: { type: 'content_block_delta', delta: { type: 'thinking_delta', thinking: 'x' } },
  })
  const other = { parent_tool_use_id: 'toolu_1' }
  t.equal(textOf([thought, delta('x', other), begin(), delta('a')]).join(''), 'a')
  t.equal(textOf([{ kind: 'notice', text: 'x', seq: 1, at: '' }]).join(''), '')
})
