import t from 'tap'
import { coalesce } from '../../../../src/workspace/copy/entry-writer.ts'

async function joined(sizes: readonly number[], bytes: number) {
  async function* chunks() {
    for (const [at, size] of sizes.entries()) yield Buffer.alloc(size, `${at}`)
  }
  const out: string[] = []
  for await (const chunk of coalesce(chunks(), bytes)) out.push(chunk.toString())
  return out
}

t.test('small chunks are joined in order, and the last chunk is whatever remains', async t => {
  t.same(await joined([1, 1, 1, 1, 1], 2), ['01', '23', '4'])
  t.same(await joined([5], 2), ['00000'])
  t.same(await joined([1, 5, 0], 3), ['011111'])
  t.same(await joined([], 3), [])
})
