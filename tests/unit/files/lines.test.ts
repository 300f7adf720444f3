import t from 'tap'
import { readLines } from '../../../src/files/lines.ts'

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
