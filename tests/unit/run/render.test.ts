import t from 'tap'
import {
  renderJson,
  renderJsonVerbose,
  renderStreamJson,
  renderText,
} from '../../../src/run/render.ts'
import { resultOf, transcript } from '../../support/run/transcript.ts'

const lost = resultOf('text', { kind: 'lost', reason: 'x' })

t.test('text is the answer, and nothing for a failure', async t => {
  t.equal(renderText(resultOf('text')), 'Hello from the model.')
  t.equal(renderText(resultOf('error-401')), null)
})

t.test('the text of a structured answer is its JSON', async t => {
  const result = resultOf('text')
  const claude = { ...result.claude, structured_output: { colour: 'red' } }
  t.equal(renderText({ ...result, claude }), '{"colour":"red"}')
})

t.test("json is Claude Code's object, key by key", async t => {
  t.equal(renderJson(resultOf('text')), JSON.stringify(transcript('text').at(-1)))
})

t.test('a run without a result object gets one of the same form', async t => {
  const none = { ...lost, claude: null }
  t.match(JSON.parse(renderJson(none)), {
    type: 'result',
    subtype: 'error_during_execution',
    is_error: true,
    session_id: 'a-session',
    duration_ms: 2000,
    result: /connection to the worker was lost/,
  })
})

t.test('json-verbose is the same plus turns and system', async t => {
  const result = resultOf('tools')
  const verbose = JSON.parse(renderJsonVerbose(result))
  const { turns, system, ...rest } = verbose
  t.same(rest, JSON.parse(renderJson(result)))
  t.same(turns, JSON.parse(JSON.stringify(result.turns)))
  t.same(Object.keys(system), ['sessionId', 'model', 'cwd', 'tools'])
})

t.test('stream-json has every message once, and partial messages on request', async t => {
  const messages = transcript('tools')
  const render = (partial: boolean) =>
    messages.map(message => renderStreamJson({ kind: 'claude', message }, { partial }))
  t.same(
    render(true),
    messages.map(message => JSON.stringify(message)),
  )
  t.same(
    render(false).filter(line => line !== null),
    messages.filter(({ type }) => type !== 'stream_event').map(message => JSON.stringify(message)),
  )
  const ended = { kind: 'ended', result: resultOf('tools') } as const
  t.equal(renderStreamJson(ended, { partial: false }), null, 'its result has been there')
  const none = { kind: 'ended', result: { ...lost, claude: null } } as const
  t.match(renderStreamJson(none, { partial: false }), /"type":"result"/)
  const control = { type: 'control_response' }
  t.equal(renderStreamJson({ kind: 'claude', message: control }, { partial: true }), null)
  t.equal(renderStreamJson({ kind: 'notice', text: 'x' }, { partial: true }), null)
})

t.test('one event is one line, regardless of its text', async t => {
  for (const message of transcript('hostile-text')) {
    const line = renderStreamJson({ kind: 'claude', message }, { partial: true })
    t.notMatch(line, /[\x00-\x1f]/)
  }
  t.notMatch(renderJson(resultOf('hostile-text')), /[\x00-\x1f]/)
})
