import t from 'tap'
import { renderEntities } from '../../../src/telegram/entities.ts'
import { messageUnits, mostParts, splitMessage } from '../../../src/telegram/split.ts'

const plain = (text: string) => ({ text, entities: [] })
const texts = (text: string, units: number) =>
  splitMessage(plain(text), { units, parts: 100 })?.map(part => part.text)

t.test('a short answer is one message, and an empty one is none', async t => {
  t.same(splitMessage(plain('hello')), [plain('hello')])
  t.same(splitMessage(plain('x'.repeat(messageUnits)))?.length, 1)
  t.same(splitMessage(plain(' \n ')), [])
})

t.test('an answer is cut between paragraphs, else lines, else words', async t => {
  t.same(texts('aaaa\n\nbb\ncc dd', 10), ['aaaa', 'bb\ncc dd'])
  t.same(texts('aaaa bb\ncccc dd', 10), ['aaaa bb', 'cccc dd'])
  t.same(texts('aaaa bbbb cccc', 10), ['aaaa bbbb', 'cccc'])
  t.same(texts('a'.repeat(25), 10), ['a'.repeat(10), 'a'.repeat(10), 'a'.repeat(5)])
})

t.test('a cut never halves a character of two units', async t => {
  t.same(texts('👍'.repeat(4), 5), ['👍👍', '👍👍'])
})

t.test('an indented first line of the next message keeps its indentation', async t => {
  t.same(texts('aaaaaaa\n\n  bbbbb', 10), ['aaaaaaa', '  bbbbb'])
})

t.test('a code block that fits into one message is not cut', async t => {
  const parts = splitMessage(renderEntities('text text\n\nmore\n\n```\nab\n\ncd\n```'), {
    units: 20,
  })
  t.same(
    parts?.map(part => part.text),
    ['text text\n\nmore', 'ab\n\ncd'],
  )
})

t.test('a code block that is too large is cut at a line and goes on with its language', async t => {
  const parts = splitMessage(renderEntities('```go\nline 1\nline 2\nline 3\n```'), { units: 14 })
  t.same(parts, [
    { text: 'line 1\nline 2', entities: [{ type: 'pre', language: 'go', offset: 0, length: 13 }] },
    { text: 'line 3', entities: [{ type: 'pre', language: 'go', offset: 0, length: 6 }] },
  ])
})

t.test('a link is not cut', async t => {
  const parts = splitMessage(renderEntities('aaa bbb [see the page](https://a.test)'), {
    units: 15,
  })
  t.same(
    parts?.map(part => part.text),
    ['aaa bbb', 'see the page'],
  )
  t.same(parts?.[1]?.entities, [
    { type: 'text_link', url: 'https://a.test', offset: 0, length: 12 },
  ])
})

t.test('an answer of too many messages is to be sent as a file', async t => {
  t.equal(splitMessage(plain('a'.repeat(messageUnits * mostParts)))?.length, mostParts)
  t.equal(splitMessage(plain('a'.repeat(messageUnits * mostParts + 1))), null)
})

t.test('the messages together hold every word, each within the limit', async t => {
  const words = Array.from({ length: 400 }, (_, index) => `w${index}${index % 7 ? '' : '\n'}`)
  const markdown = words.map((word, index) => (index % 5 ? word : `**${word.trim()}** `)).join(' ')
  const whole = renderEntities(markdown)
  const parts = splitMessage(whole, { units: 100, parts: 100 }) ?? []
  const squeeze = (text: string) => text.replace(/\s+/g, '')
  t.equal(squeeze(parts.map(part => part.text).join('')), squeeze(whole.text))
  t.ok(parts.length > 10)
  for (const { text, entities } of parts) {
    t.ok(text.length <= 100)
    for (const { offset, length } of entities)
      t.ok(offset >= 0 && length > 0 && offset + length <= text.length)
  }
})
