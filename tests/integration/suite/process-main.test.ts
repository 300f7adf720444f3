import { join, relative } from 'node:path'
import t from 'tap'
import { runProcess } from '../../support/suite/run-files.ts'
import { createTapSummary } from '../../support/suite/tap-summary.ts'

const root = join(import.meta.dirname, '../../..')

const throwing = (statement: string) => `
import t from 'tap'
t.test('the test before', async t => t.pass())
t.test('the one that fails', async t => {
  t.pass()
  await t.test('and its inner test', async t => {
    t.pass()
    ${statement}
    await new Promise(resolve => setTimeout(resolve, 20))
  })
})
t.test('the test after', async t => t.pass())
`

t.test('an error that nothing catches fails its test, and the next file runs', async t => {
  const folder = t.testdir({
    'timer.test.ts': throwing(`setTimeout(() => { throw new Error('thrown') })`),
    'promise.test.ts': throwing(`void Promise.reject(new Error('rejected'))`),
    'text.test.ts': throwing(`void Promise.reject('only text')`),
    'after.test.ts': throwing(''),
  })
  const lines: string[] = []
  const summary = createTapSummary(line => lines.push(line))
  const files = ['timer', 'promise', 'text', 'after'].map(name =>
    relative(root, join(folder, `${name}.test.ts`)),
  )
  // Not from the bundle of this file.
  const env = { TEST_BUNDLE: '' }
  const run = { files, summary, print: (line: string) => lines.push(line), timeout: 60, env }
  t.equal(await runProcess(() => files.shift() ?? null, run), false)
  const output = lines.join('\n')
  for (const [name, message] of [
    ['timer', 'thrown'],
    ['promise', 'rejected'],
    ['text', 'only text'],
  ] as const) {
    const [, block = ''] = output.split(new RegExp(`FAILED \\S+/${name}\\.test\\.ts`))
    const [own = ''] = block.split(/^(?:FAILED|ok {4})/m)
    t.match(
      own,
      new RegExp(`not ok \\d+ - ${message}[\\s\\S]*not ok \\d+ - and its inner test`),
      name,
    )
    t.notMatch(own, /not ok \d+ - the test (before|after)/, name)
  }
  t.match(output, /^ok {5}\S+\/after\.test\.ts/m)
})

t.test('an error after the last test fails the process', async t => {
  const late = `import t from 'tap'
t.test('a test', async t => {
  t.pass()
  setTimeout(() => { throw new Error('late') }, 300)
})
`
  const files = [relative(root, join(t.testdir({ 'late.test.ts': late }), 'late.test.ts'))]
  const lines: string[] = []
  const print = (line: string) => lines.push(line)
  const run = { files, summary: createTapSummary(print), print, timeout: 60 }
  const env = { TEST_BUNDLE: '' }
  t.equal(await runProcess(() => files.shift() ?? null, { ...run, env }), false)
  t.match(lines.join('\n'), /FAILED after the last file[\s\S]*Error: late/)
})

t.test('a handle that stays open is named with its file', async t => {
  const open = `import { spawn } from 'node:child_process'
import { createServer } from 'node:net'
import t from 'tap'
t.test('a test', async t => {
  t.pass()
  await new Promise(resolve => createServer().listen(0, '127.0.0.1', resolve))
  const child = spawn('sleep', ['30'])
  process.once('exit', () => child.kill())
  setTimeout(() => {}, 60_000)
})
`
  const folder = t.testdir({ 'open.test.ts': open, 'other.test.ts': throwing('') })
  const files = ['open', 'other'].map(name => relative(root, join(folder, `${name}.test.ts`)))
  const lines: string[] = []
  const print = (line: string) => lines.push(line)
  const run = { files, summary: createTapSummary(print), print, timeout: 60 }
  const env = { TEST_BUNDLE: '', TEST_END_TIMEOUT: '1' }
  t.equal(await runProcess(() => files.shift() ?? null, { ...run, env }), false)
  const output = lines.join('\n')
  t.match(output, /^Server \{.*\} of \S+\/open\.test\.ts$/m)
  t.match(output, /^ChildProcess \{.*'sleep', '30'.*\} of \S+\/open\.test\.ts$/m)
  t.match(output, /^Timeout of \S+\/open\.test\.ts$/m)
  t.notMatch(output, / of \S+\/other\.test\.ts$/m)
})
