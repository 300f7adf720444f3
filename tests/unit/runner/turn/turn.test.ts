import t from 'tap'
import { createInterrupt, hasEndedTurn } from '../../../../src/runner/turn/turn.ts'

const answers = (response: object, type = 'control_response') => {
  let id = ''
  const interrupt = createInterrupt(text => {
    id = JSON.parse(text).request_id
  })
  interrupt.send()
  interrupt.take({ type, response: { request_id: id, ...response } })
  const none = new Promise(resolve => setTimeout(() => resolve('none'), 10))
  return Promise.race([interrupt.confirmed, none])
}

t.test('a confirmation counts when no other turn is queued', async t => {
  const success = { subtype: 'success', response: { still_queued: [] } }
  t.equal(await answers(success), true)
  t.equal(await answers({ ...success, response: { still_queued: ['x'] } }), false)
  t.equal(await answers({ ...success, response: {} }), false)
  t.equal(await answers({ ...success, response: undefined }), false)
  t.equal(await answers({ ...success, subtype: 'error' }), false)
  t.equal(await answers({ ...success, request_id: 'another' }), 'none')
  t.equal(await answers(success, 'control_request'), 'none')
})

t.test('a result that is an error of the API does not prove the end of the turn', async t => {
  t.equal(hasEndedTurn({ is_error: false }), true)
  t.equal(hasEndedTurn({ is_error: true, terminal_reason: 'aborted_streaming' }), true)
  t.equal(hasEndedTurn({ is_error: true, terminal_reason: 'aborted_tools' }), true)
  t.equal(hasEndedTurn({ is_error: true, terminal_reason: 'api_error' }), false)
  t.equal(hasEndedTurn({ is_error: true }), false)
})
