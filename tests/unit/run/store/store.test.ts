import { join } from 'node:path'
import t from 'tap'
import { createFileStore } from '../../../../src/run/store/file-store.ts'
import { hasOpenQuestion } from '../../../../src/run/store/store.ts'
import { runRecord } from '../../../support/run/run-record.ts'

const record = runRecord()

t.test('a question is seen from when it is asked until it is closed', async t => {
  const folder = join(t.testdir(), 'runs')
  t.equal(hasOpenQuestion(folder), false, 'there is no store yet')
  const log = await createFileStore(folder).create(record)
  t.equal(hasOpenQuestion(folder), false)
  const questions = [{ question: 'Which?', multiSelect: false, options: [] }]
  await log.setQuestion({ id: 'q1', questions, deadline: '2026-11-21T10:01:00.000Z' })
  t.equal(hasOpenQuestion(folder), true)
  await log.setQuestion(null)
  t.equal(hasOpenQuestion(folder), false)
  await log.discard()
})
