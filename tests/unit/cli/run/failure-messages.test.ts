import t from 'tap'
import {
  refusalError,
  resumeError,
  throwUnlessSucceeded,
} from '../../../../src/cli/run/failure-messages.ts'
import { RunRefusal, workspaceBusy } from '../../../../src/run/failure.ts'
import { resultOf } from '../../../support/run/transcript.ts'

const id = '9f0c9c1e-7c55-4e0a-9a49-1a2b3c4d5e6f'
const resume = { session: { kind: 'resume', id } } as const
const here = { workspace: '/srv/project' }

t.test('a session that does not exist is named with the folder on the host', async t => {
  const refusal = new RunRefusal('no-session', `no session ${id} in /workspace`)
  t.match(resumeError(refusal, resume, here), {
    message: `no run in /srv/project has the session ${id}`,
    hint: /run list --json.*--no-continue/,
    exitCode: 2,
  })
})

t.test('other refusals have their hint and exit status; other errors stay the same', async t => {
  const holder = '0123456789abcdef'
  t.match(resumeError(workspaceBusy(holder), resume, here), {
    message: `workspace busy with run ${holder}`,
    hint: new RegExp(`--wait.*run cancel ${holder}`),
    exitCode: 1,
  })
  const noSession = new RunRefusal('no-session', 'refused: no-session')
  t.match(refusalError(noSession), {
    message: 'refused: no-session',
    hint: /--resume/,
    exitCode: 2,
  })
  for (const code of ['request', 'schema'] as const) {
    t.match(refusalError(new RunRefusal(code, 'x')), { exitCode: 2 })
  }
  for (const error of [new Error('x'), 'x']) t.equal(resumeError(error, resume, here), error)
})

t.test('a run that did not succeed throws its exit status', async t => {
  throwUnlessSucceeded(resultOf('text'))
  const ended = { kind: 'ended', exitCode: null, signal: null, swept: 0 } as const
  for (const [outcome, exitCode] of [
    ['cancelled', 130],
    ['timed-out', 124],
    ['failed', 1],
  ] as const) {
    const result = resultOf('text', { ...ended, outcome })
    t.throws(() => throwUnlessSucceeded(result), { name: 'UserError', exitCode })
  }
})
