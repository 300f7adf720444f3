import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { createAdmission } from '../../../src/runner/admission.ts'

function admissionIn(t: Test, runs = 2, keepsApart = true) {
  const root = t.testdir({})
  for (const name of ['workspace', 'workspaces/a', 'workspaces/b']) {
    mkdirSync(join(root, name), { recursive: true })
  }
  const admission = createAdmission({
    places: {
      workspace: join(root, 'workspace'),
      workspaces: join(root, 'workspaces'),
      homes: join(root, 'homes'),
      temporary: join(root, 'tmp'),
    },
    runs,
    keepsApart,
    repair: () => {},
    canResume: (_, id) => id === 'known',
  })
  let count = 0
  const admit = async (name: string, session: object = { kind: 'continue' }) => {
    const runId = String(count++).padStart(16, '0')
    const answer = await admission.admit({
      version: 1,
      runId,
      workspace: join(root, name),
      request: { prompt: 'x', timeoutSeconds: 1, session: session as { kind: 'continue' } },
      asks: false,
      questionSeconds: 60,
    })
    return 'kind' in answer
      ? { runId, refused: answer.reason }
      : { runId, admitted: answer, refused: null }
  }
  return { admission, admit }
}

t.test('a workspace has one run, until nothing of it is left', async t => {
  const { admission, admit } = admissionIn(t)
  const { admitted, runId } = await admit('workspace')
  t.match(admission.list(), [{ runId, workspace: /workspace$/ }])
  t.notOk(admission.isQuiet())
  t.match(await admit('workspace'), { refused: 'busy' })
  admitted?.stop('cancelled')
  t.match(await admit('workspace'), { refused: 'busy' }, 'also while it is ending')
  admitted?.release()
  t.ok(admission.isQuiet())
  t.match(await admit('workspace'), { refused: null })
})

t.test('of two runs at once only one gets the workspace', async t => {
  const { admit } = admissionIn(t)
  const both = await Promise.all([admit('workspace'), admit('workspace')])
  t.strictSame(both.map(({ refused }) => refused).toSorted(), ['busy', null])
})

t.test('a refusal states its reason', async t => {
  const { admission, admit } = admissionIn(t, 1)
  t.match(await admit('nowhere'), { refused: 'workspace' })
  t.match(await admit('workspace', { kind: 'resume', id: 'x' }), { refused: 'no-session' })
  t.match(await admit('workspace', { kind: 'resume', id: 'known' }), { refused: null })
  t.match(await admit('workspaces/a'), { refused: 'capacity' })
  void admission.close()
  t.match(await admit('workspaces/b'), { refused: 'stopping' })
})

t.test('a cancel and a close return when the workspace is released', async t => {
  for (const end of ['cancel', 'close'] as const) {
    const { admission, admit } = admissionIn(t)
    const { admitted, runId } = await admit('workspace')
    let isOver = false
    const over = admission[end](runId).then(value => {
      isOver = true
      return value
    })
    t.equal(await admitted?.stopped, 'cancelled')
    t.notOk(isOver)
    admitted?.release()
    t.equal(await over, end === 'cancel' ? true : undefined)
  }
  t.equal(await admissionIn(t).admission.cancel('0'.repeat(16)), false)
})

t.test('without Landlock a worker serves only one workspace', async t => {
  const { admit } = admissionIn(t, 2, false)
  const first = await admit('workspaces/a')
  t.equal(first.refused, null)
  t.equal((await admit('workspaces/b')).refused, 'confinement', 'while the run is under way')
  first.admitted?.release()
  t.equal((await admit('workspaces/b')).refused, 'confinement', 'and after it')
  t.equal((await admit('workspaces/a')).refused, null)
})

t.test('without Landlock the home of another workspace counts after a restart', async t => {
  const { admit } = admissionIn(t, 2, false)
  mkdirSync(join(t.testdirName, 'homes/other-0123'), { recursive: true })
  t.equal((await admit('workspaces/b')).refused, 'confinement')
})

t.test('an answer reaches only a run in progress that asks', async t => {
  const { admission, admit } = admissionIn(t)
  const { runId, admitted } = await admit('workspace')
  t.equal(admission.answer(runId, 'q1', null), false, 'it has not asked')
  const result = { id: 't1', content: [], isError: false }
  t.equal(admission.deliver(runId, result), false)
  admitted?.onAnswerable(
    (id, answers) => id === 'q1' && answers === null,
    ({ id }) => id === 't1',
  )
  t.equal(admission.deliver(runId, result), true)
  t.equal(admission.deliver(runId, { ...result, id: 't2' }), false)
  t.equal(admission.deliver('f'.repeat(16), result), false)
  t.equal(admission.answer(runId, 'q1', null), true)
  t.equal(admission.answer(runId, 'q2', null), false)
  t.equal(admission.answer('f'.repeat(16), 'q1', null), false)
  admitted?.release()
  t.equal(admission.answer(runId, 'q1', null), false)
})
