import t from 'tap'
import { inWordsOfHost } from '../../../../src/cli/run/start-run.ts'
import { RunRefusal } from '../../../../src/run/refusal.ts'

const id = '9f0c9c1e-7c55-4e0a-9a49-1a2b3c4d5e6f'
const resume = { session: { kind: 'resume', id } } as const
const here = { workspace: '/srv/project' }

t.test('a session that is not there is told with the folder on the host', async t => {
  const refusal = new RunRefusal('no-session', `no session ${id} in /workspace`)
  t.match(inWordsOfHost(refusal, resume, here), {
    message: `there is no session ${id} of a run in /srv/project`,
    hint: /run list --json.*--no-continue/,
    exitCode: 2,
  })
})

t.test('every other error stays what it is', async t => {
  for (const error of [new RunRefusal('busy', 'workspace busy'), new Error('x'), 'x']) {
    t.equal(inWordsOfHost(error, resume, here), error)
  }
})
