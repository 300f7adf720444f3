import t from 'tap'
import { createLogDemuxer } from '../../../src/engine/log-stream.ts'

function frame(stream: 1 | 2, text: string) {
  const header = Buffer.alloc(8)
  header[0] = stream
  header.writeUInt32BE(Buffer.byteLength(text), 4)
  return Buffer.concat([header, Buffer.from(text)])
}

function demux(bytes: Buffer, size: number) {
  const lines: string[] = []
  const demuxer = createLogDemuxer((line, stream) => lines.push(`${stream}:${line}`))
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
