import { PassThrough } from 'node:stream'
import t from 'tap'
import type { LogEvent } from '../../../src/base/log.ts'
import { createReport, type ReportOptions } from '../../../src/cli/report.ts'

const events: LogEvent[] = [
  { kind: 'step-start', name: 'image base' },
  { kind: 'step-progress', name: 'image base', text: 'fetching\x1b[2J' },
  { kind: 'step-end', name: 'image base', outcome: 'done', milliseconds: 1_234 },
  { kind: 'step-end', name: 'engine', outcome: 'cached', milliseconds: 1 },
  // Names of steps can hold the path of a folder.
  { kind: 'step-start', name: 'packages\u202e' },
  { kind: 'step-end', name: 'packages\u202e', outcome: 'failed', milliseconds: 10 },
  { kind: 'info', text: 'is up' },
  { kind: 'warn', text: 'runc is old' },
  { kind: 'debug', text: 'detail' },
]

function shown(options: Omit<ReportOptions, 'stream'>, terminal = false, shownEvents = events) {
  const stream = Object.assign(new PassThrough(), { isTTY: terminal, columns: 40 })
  const report = createReport({ ...options, stream: stream as unknown as NodeJS.WriteStream })
  for (const event of shownEvents) report(event)
  return String(stream.read() ?? '')
}

t.test(
  'without a terminal each step has a line at its start and end, without escape sequences',
  async t => {
    t.equal(
      shown({ verbose: false }),
      'image base …\n✓ image base 1.2 s\n✓ engine (nothing to do)\npackages …\n✗ packages 0.0 s\nis up\nwarning: runc is old\n',
    )
  },
)

t.test('verbose adds progress and details, sanitised as well', async t => {
  const text = shown({ verbose: true })
  t.match(text, 'image base: fetching\n')
  t.match(text, 'detail\n')
  t.notMatch(text, /[\x1b\u202e]/)
})

t.test('quiet keeps warnings', async t => {
  t.equal(shown({ verbose: false, quiet: true }), 'warning: runc is old\n')
})

t.test('on a terminal the current step has one line that is redrawn', async t => {
  const text = shown({ verbose: false }, true)
  t.match(text, '\r\x1b[K… image base\r\x1b[K… image base: fetching\r\x1b[K')
  t.notMatch(text, '\x1b[2J')
  t.notMatch(text, '\u202e')
})

t.test('on a terminal the progress of a long step shows its elapsed time', async t => {
  const times = [0, 900, 61_000]
  const text = shown({ verbose: false, now: () => times.shift() ?? 61_000 }, true, [
    { kind: 'step-start', name: 'image base' },
    { kind: 'step-progress', name: 'image base', text: 'first' },
    { kind: 'step-progress', name: 'image base', text: 'second' },
    { kind: 'step-progress', name: 'other', text: 'third' },
  ])
  t.match(text, '… image base: first')
  t.match(text, '… image base 61 s: second')
  t.match(text, '… other: third', 'a step without a start has no time')
})
