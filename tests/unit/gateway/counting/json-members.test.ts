import t from 'tap'
import { JsonMembers } from '../../../../src/gateway/counting/json-members.ts'

function read(text: string, options: { pieces?: number; limit?: number } = {}) {
  const members = new JsonMembers(['model', 'usage'], options.limit ? { limit: options.limit } : {})
  const bytes = Buffer.from(text)
  const size = options.pieces ?? bytes.length
  for (let at = 0; at < bytes.length; at += size) members.write(bytes.subarray(at, at + size))
  return members
}

const answer = JSON.stringify({
  content: [{ type: 'text', text: '\u{1F600} "usage": {"input_tokens": 9} \\' }],
  nested: { usage: { input_tokens: 8 }, model: 'wrong' },
  model: 'a "quoted" name',
  usage: { input_tokens: 7, deep: [{ a: ',}]' }] },
  last: [1, 2],
})

t.test('top-level members are found after any other content and in any chunks', async t => {
  for (const pieces of [1, 2, 3, 7, 10_000]) {
    const { found, complete, tooLong } = read(answer, { pieces })
    t.strictSame(JSON.parse(found.get('usage') ?? ''), { input_tokens: 7, deep: [{ a: ',}]' }] })
    t.equal(JSON.parse(found.get('model') ?? ''), 'a "quoted" name')
    t.equal(found.size, 2)
    t.ok(complete)
    t.notOk(tooLong)
  }
})

t.test('white space does not matter', async t => {
  const { found } = read('{ "model" : "m" ,\n "usage"\t: { } }')
  t.strictSame(JSON.parse(found.get('usage') ?? ''), {})
})

t.test('half an answer is not complete', async t => {
  const { complete, found } = read(answer.slice(0, -1))
  t.notOk(complete)
  t.ok(found.has('usage'))
  t.notOk(read(answer.slice(0, 60)).complete)
})

t.test('an overlong member is dropped and reported', async t => {
  const { found, tooLong } = read(JSON.stringify({ usage: { a: 'x'.repeat(99) } }), { limit: 50 })
  t.ok(tooLong)
  t.notOk(found.has('usage'))
})

t.test('other JSON than an object has no members', async t => {
  for (const text of [
    '["usage",1]',
    '"usage"',
    '}}}]]]',
    '{{{{',
    ',:,:',
    '',
    '{"usage"}',
    '[{"usage":1}]',
  ]) {
    t.strictSame([...read(text).found], [], text)
  }
})

t.test('a member name of any length takes bounded memory', async t => {
  const { found } = read(`{"${'k'.repeat(200_000)}":1,"usage":2}`)
  t.equal(found.get('usage'), '2')
})

t.test('the fast path skips the same bytes as the slow one', async t => {
  const fragments = ['{', '}', '[', ']', '"', '\\', ',', ':', ' ', 'x', '"usage":', '"model":"m"']
  let state = 1
  const next = (below: number) => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0
    return Math.floor((state / 2 ** 32) * below)
  }
  const seen = (members: JsonMembers) => JSON.stringify([...members.found, members.complete])
  let found = 0
  for (let round = 0; round < 5_000; round++) {
    let text = '{"model":"a","usage":{"n":"'
    for (let count = next(40); count >= 0; count--) text += fragments[next(fragments.length)] ?? ''
    const careful = read(text, { pieces: 1 })
    found += careful.found.size
    for (const pieces of [text.length, 1 + next(9)]) {
      if (seen(read(text, { pieces })) === seen(careful)) continue
      t.equal(seen(read(text, { pieces })), seen(careful), `${text} in pieces of ${pieces}`)
      return
    }
  }
  t.ok(found > 5_000, `${found} members`)
})

t.test(
  'a key with escapes is the key that it spells, and every value of it is reported',
  async t => {
    const seen: [string, string][] = []
    const members = new JsonMembers(['model'], { onFound: (name, text) => seen.push([name, text]) })
    members.write(Buffer.from('{"model":"a","mod\\u0065l":"b","\\q":1,"x":{"model":"c"}}'))
    t.strictSame(seen, [
      ['model', '"a"'],
      ['model', '"b"'],
    ])
  },
)
