import t from 'tap'
import { schemaExample } from '../../../../src/gateway/rehearsal/schema-example.ts'

t.test('an answer fits the schema that was asked for', async t => {
  const schema = {
    type: 'object',
    properties: {
      title: { type: 'string' },
      isNew: { type: 'boolean' },
      count: { type: ['integer', 'null'] },
      tags: { type: 'array', items: { type: 'string' } },
      kind: { enum: ['a', 'b'] },
      version: { const: 2 },
    },
  }
  t.strictSame(schemaExample(schema, 'Rehearsal'), {
    title: 'Rehearsal',
    isNew: false,
    count: 0,
    tags: [],
    kind: 'a',
    version: 2,
  })
})

t.test('no schema breaks it, not even one without an end', async t => {
  const endless: Record<string, unknown> = { type: 'object' }
  endless.properties = { self: endless }
  t.ok(JSON.stringify(schemaExample(endless, 'x')))
  for (const schema of [null, 1, 'x', [], {}, { type: 'strange' }]) {
    t.equal(schemaExample(schema, 'x'), null)
  }
})
