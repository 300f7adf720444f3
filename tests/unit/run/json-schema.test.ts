import t from 'tap'
import { createValidator } from '../../../src/run/json-schema.ts'

const schema = {
  type: 'object',
  properties: { colour: { type: 'string' }, count: { type: 'integer' } },
  required: ['colour'],
  additionalProperties: false,
}

t.test('a value that matches is valid, and an error names the wrong place', async t => {
  const validate = createValidator(schema)
  t.equal(validate({ colour: 'red', count: 1 }), null)
  t.match(validate({ colour: 7 }), /\/colour must be string/)
  t.match(validate({}), /required property 'colour'/)
  t.match(validate({ colour: 'red', more: 1 }), /additional properties: more/)
  t.match(validate(undefined), /must be object/)
})

t.test('each draft is selected by its name', async t => {
  for (const draft of [
    'http://json-schema.org/draft-07/schema#',
    'https://json-schema.org/draft/2019-09/schema',
    'https://json-schema.org/draft/2020-12/schema',
  ]) {
    t.equal(createValidator({ ...schema, $schema: draft })({ colour: 'red' }), null, draft)
  }
})

t.test('an invalid schema is refused', async t => {
  for (const wrong of [
    { type: 'nonsense' },
    { $ref: 'https://elsewhere.test/schema.json' },
    { $schema: 'https://elsewhere.test/draft' },
    { $async: true, type: 'object' },
    { properties: 7 },
  ]) {
    t.throws(() => createValidator(wrong), { message: /schema is not valid/, code: 'schema' })
  }
})
