import t from 'tap'
import { createFrameLines, splitStreams } from '../../../src/engine/frames.ts'

function frame(stream: 1 | 2, text: string) {
  const header = Buffer.alloc(8)
  header[0] = stream
  header.writeUInt32BE(Buffer.byteLength(text), 4)
  return Buffer.concat([header, Buffer.from(text)])
}

function demux(bytes: Buffer, size: number) {
  const lines: string[] = []
  const demuxer = createFrameLines((line, stream) => lines.push(`${stream}:${line}`))
  for (let at = 0; at < bytes.length; at += size) demuxer.write(bytes.subarray(at, at + size))
  demuxer.end()
  return lines
}

const bytes = Buffer.concat([
  frame(1, 'one\ntw'),
  frame(2, 'bad\n'),
  frame(1, 'o\n'),
  frame(1, 'tail'),
])

for (const size of [1, 3, 8, 1000]) {
  t.test(`lines come out the same when the stream is cut every ${size} bytes`, async t => {
    t.same(demux(bytes, size), ['stdout:one', 'stderr:bad', 'stdout:two', 'stdout:tail'])
  })
}

t.test('a line without an end is bounded', async t => {
  const [line] = demux(frame(1, 'x'.repeat(1_000_000)), 100_000)
  t.ok(line && line.length < 100_000)
})

async function* cut(bytes: Buffer, size: number) {
  for (let i = 0; i < bytes.length; i += size) yield bytes.subarray(i, i + size)
}

t.test('the two streams are separated, however they are split', async t => {
  const bytes = Buffer.concat([frame(1, 'one '), frame(2, 'oops'), frame(1, ''), frame(1, 'two')])
  for (const size of [1, 3, 8, 9, 1_000]) {
    let out = ''
    let err = ''
    for await (const chunk of splitStreams(cut(bytes, size), chunk => {
      err += chunk
    })) {
      out += chunk
    }
    t.same([out, err], ['one two', 'oops'], `cut at ${size}`)
  }
})
