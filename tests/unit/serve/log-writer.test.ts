import { setImmediate as turn } from 'node:timers/promises'
import t from 'tap'
import { createLogWriter } from '../../../src/serve/log-writer.ts'

function start() {
  const written: string[] = []
  return { written, writer: createLogWriter(text => void written.push(text)) }
}

t.test('the lines of one turn are one write, in their order', async t => {
  const { written, writer } = start()
  writer.write('one\n')
  writer.write('two\n')
  t.same(written, [])
  await turn()
  t.same(written, ['one\ntwo\n'])
  writer.write('three\n')
  await turn()
  t.same(written, ['one\ntwo\n', 'three\n'])
  await turn()
  t.equal(written.length, 2, 'nothing is written without a line')
})

t.test('many lines in one turn do not collect in memory', async t => {
  const { written, writer } = start()
  const line = `${'x'.repeat(1_023)}\n`
  for (let i = 0; i < 200; i++) writer.write(line)
  t.ok(written.length >= 3)
  await turn()
  t.equal(written.join(''), line.repeat(200))
})

t.test('a flush writes what waits, once', async t => {
  const { written, writer } = start()
  writer.write('last words\n')
  writer.flush()
  writer.flush()
  await turn()
  t.same(written, ['last words\n'])
})
