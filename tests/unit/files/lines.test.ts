import { appendFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import t from 'tap'
import { createLineSplitter, readGrowing, readLines } from '../../../src/files/lines.ts'

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

async function linesOf(pieces: string[], limit = 100) {
  async function* chunks() {
    for (const piece of pieces) yield Buffer.from(piece)
  }
  const lines: (string | null)[] = []
  for await (const line of readLines(chunks(), limit)) lines.push(line)
  return lines
}

t.test('lines come whole, however they are cut', async t => {
  t.same(await linesOf(['a\nb', 'c\n', '\n', 'd']), ['a', 'bc', '', 'd'])
  t.same(await linesOf([]), [])
  const bytes = Buffer.from('é\n')
  async function* halves() {
    yield bytes.subarray(0, 1)
    yield bytes.subarray(1)
  }
  for await (const line of readLines(halves(), 10)) t.equal(line, 'é')
})

t.test('a line beyond the limit is null, and the next one is whole', async t => {
  t.same(await linesOf(['x'.repeat(60), 'x'.repeat(60), '\nnext\n']), [null, 'next'])
  t.same(await linesOf(['x'.repeat(100), '\n', 'y'.repeat(101)]), ['x'.repeat(100), null])
})

const never = new AbortController().signal

async function text(chunks: AsyncIterable<Buffer>) {
  const found: Buffer[] = []
  for await (const chunk of chunks) found.push(chunk)
  return Buffer.concat(found).toString()
}

t.test('what is appended is read once, up to what was written before the end', async t => {
  const path = join(t.testdir(), 'log')
  let asked = 0
  const whole = async () => {
    asked++
    if (asked === 2) await writeFile(path, 'one ')
    if (asked === 3) await appendFile(path, 'two ')
    if (asked === 5) await appendFile(path, 'three')
    return asked === 5
  }
  t.equal(await text(readGrowing(path, { whole, signal: never })), 'one two three')
  t.equal(asked, 5)
})

t.test('a file that is whole is read at once, and one that is missing is empty', async t => {
  const folder = t.testdir({ log: 'all of it' })
  const whole = async () => true
  t.equal(await text(readGrowing(join(folder, 'log'), { whole, signal: never })), 'all of it')
  t.equal(await text(readGrowing(join(folder, 'none'), { whole, signal: never })), '')
  await t.rejects(text(readGrowing(folder, { whole, signal: never })), {
    message: /is not a regular file/,
  })
})

t.test('the signal ends it', async t => {
  const path = join(t.testdir({ log: 'begun' }), 'log')
  const controller = new AbortController()
  const whole = async () => {
    setTimeout(() => controller.abort(), 10)
    return false
  }
  t.equal(await text(readGrowing(path, { whole, signal: controller.signal })), 'begun')
})
