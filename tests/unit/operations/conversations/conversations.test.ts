import t from 'tap'
import {
  checkResume,
  parseTranscripts,
} from '../../../../src/operations/conversations/conversations.ts'

const [one, two] = ['8a6e0804-2bd0-4672-b79d-d97027f9071a', '00000000-0000-4000-8000-000000000000']

t.test('only the form of an id becomes an argument', async t => {
  checkResume(one)
  for (const id of ['', 'x', '--settings={}', `${one}x`, `${one}\n`, one.toUpperCase(), '../x']) {
    t.throws(() => checkResume(id), { message: /is not the id of a conversation/, exitCode: 2 }, id)
  }
})

t.test('the newest conversation comes first, and files of other names are ignored', async t => {
  const lines = [
    `1700000000.5 ${two}.jsonl`,
    `1700000009.1 ${one}.jsonl`,
    `9999999999 x\x1b[2J.jsonl`,
    `9999999999 ${one}.jsonl.bak`,
    `x ${two}.jsonl`,
    '',
  ]
  t.same(parseTranscripts(lines.join('\n')), [one, two])
  t.same(parseTranscripts(''), [])
})
