import t from 'tap'
import {
  checkResume,
  parseTranscripts,
  refuseOpenSession,
} from '../../../../src/operations/conversations/conversations.ts'
import type { StackState } from '../../../../src/stack/inspect.ts'

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

t.test('--no-continue is refused while a session is open, whatever the worker does', async t => {
  const running = (name: string, container: string) => ({ name, container, state: 'running' })
  const state = {
    services: [running('claude', 'sessions'), running('worker', 'runs')],
  } as unknown as StackState
  const engineWith = (commands: readonly string[]) => {
    const processes = async (container: string) =>
      container === 'sessions' ? commands : ['claude']
    return { engine: { processes } } as unknown as Parameters<typeof refuseOpenSession>[0]
  }
  await refuseOpenSession(engineWith(['/sbin/docker-init -- sleep', 'bash']), state)
  await t.rejects(refuseOpenSession(engineWith(['claude --continue']), state), {
    message: /a session of this folder is open/,
    hint: /\/exit.*\/clear/,
  })
})
