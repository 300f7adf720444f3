import t from 'tap'
import {
  currentTurn,
  MessagesRequest,
  workingDirectory,
} from '../../../../src/gateway/rehearsal/messages-api.ts'

const result = (text: string, failed = false) => ({
  role: 'user',
  content: [{ type: 'tool_result', tool_use_id: 't', content: text, is_error: failed }],
})

t.test('a turn is the last prompt and the results after it', async t => {
  const request = MessagesRequest.parse({
    messages: [
      { role: 'user', content: 'first' },
      result('old'),
      { role: 'user', content: [{ type: 'text', text: 'second' }] },
      { role: 'assistant', content: [] },
      result('one'),
      { role: 'user', content: '<system-reminder>be good</system-reminder>' },
      result('two', true),
      { role: 'system', content: 'third' },
    ],
  })
  t.strictSame(currentTurn(request), {
    prompt: 'second',
    results: [
      { text: 'one', failed: false },
      { text: 'two', failed: true },
    ],
  })
})

t.test('requests of any size and shape are accepted', async t => {
  t.strictSame(currentTurn(MessagesRequest.parse({})), { prompt: '', results: [] })
  t.equal(workingDirectory(MessagesRequest.parse({ future: [1], tools: [{}] })), undefined)
  for (const value of [null, 1, 'x', [], { messages: 'x' }, { messages: [{ role: 'user' }] }]) {
    t.equal(MessagesRequest.safeParse(value).success, false, JSON.stringify(value))
  }
})
