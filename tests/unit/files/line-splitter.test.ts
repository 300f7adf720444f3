import t from 'tap'
import { createLineSplitter } from '../../../src/files/line-splitter.ts'

const split = (most: number, ...chunks: (string | Buffer)[]) => {
  const splitter = createLineSplitter(most)
  return [...chunks.flatMap(chunk => [...splitter.push(Buffer.from(chunk))]), ...splitter.end()]
}
const line = (text: string) => ({ kind: 'line', text })

t.test('lines come out whole, however the bytes were cut', async t => {
  t.strictSame(split(100, 'a\nb', 'c\n\n', 'ü'.repeat(3)), [
    line('a'),
    line('bc'),
    line(''),
    line('üüü'),
  ])
  const bytes = Buffer.from('äöü\n')
  t.strictSame(split(100, bytes.subarray(0, 3), bytes.subarray(3)), [line('äöü')])
})

t.test('what is too long is dropped and told of, and the next line is read', async t => {
  t.strictSame(split(4, '12345', '6\nab\n'), [{ kind: 'too-long', bytes: 6 }, line('ab')])
  t.strictSame(split(4, '1234\n'), [line('1234')])
})

t.test('bytes that are no UTF-8 are told of', async t => {
  t.strictSame(split(9, Buffer.from([0xff, 0x0a]), 'x\n'), [
    { kind: 'not-utf8', bytes: 1 },
    line('x'),
  ])
})

t.test('a long line that comes byte by byte is kept once', async t => {
  const splitter = createLineSplitter(1024 * 1024)
  const byte = Buffer.from('x')
  for (let i = 0; i < 300_000; i++) for (const _ of splitter.push(byte)) t.fail('too early')
  const [whole] = splitter.push(Buffer.from('\n'))
  t.equal(whole?.kind === 'line' && whole.text.length, 300_000)
})
