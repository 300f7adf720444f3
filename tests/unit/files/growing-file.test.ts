import { appendFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import t from 'tap'
import { readGrowing } from '../../../src/files/growing-file.ts'

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
