import t from 'tap'
import { modelName } from '../../../../src/gateway/counting/model-name.ts'

const found = (text: string) => modelName(Buffer.from(text))

t.test('the model is read off the beginning of a request', async t => {
  t.equal(found('{"model":"claude-opus-5-5","messages":['), 'claude-opus-5-5')
  t.equal(found('{"max_tokens":1, "model" : "claude-x[1m]"'), 'claude-x[1m]')
})

t.test('nothing but a plain name comes out', async t => {
  t.equal(found('{"messages":[]}'), undefined)
  t.equal(found('{"model":"a b"'), undefined)
  t.equal(found('{"model":"a\nb"'), undefined)
  t.equal(found(`{"model":"${'x'.repeat(100)}"`), undefined)
  t.equal(found('{"messages":"say \\"model\\":\\"secret-word\\""'), undefined)
  t.equal(found(`{${' '.repeat(4000)}"model":"late"`), undefined)
})
