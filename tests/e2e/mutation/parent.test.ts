import t from 'tap'
import { auditStack, probesOf } from '../../support/mutation/mutable-stack.ts'
import { parentControls } from '../../support/mutation/parent-controls.ts'
import { sitesAddress } from '../../support/stack/internet.ts'
import { must } from '../../support/stack/process.ts'
import { createTestStack } from '../../support/stack/test-stack.ts'

t.test('a probe notices each removed rule of the way to the parent proxy', async t => {
  // The parent itself is not needed: the audit's twin has one of its own.
  const stack = await createTestStack(t, {
    settings: { PARENT_PROXY: `http://me:hidden@${sitesAddress(0)}:3128` },
  })
  const before = process.env.XDG_STATE_HOME
  // The audit runs in this process, and looks for the stack's files where they are.
  process.env.XDG_STATE_HOME = stack.env.XDG_STATE_HOME
  t.teardown(() => {
    if (before === undefined) delete process.env.XDG_STATE_HOME
    else process.env.XDG_STATE_HOME = before
  })
  const file = '/etc/claude-secure/parent/parent.conf'
  const conf = await must('docker', ['exec', stack.container('proxy'), 'cat', file])

  t.test('with all rules no check is open', async t => {
    const [result] = await auditStack(stack, probesOf(['N21']))
    const wrong = result?.checks.filter(({ verdict }) => /open|unknown/.test(verdict))
    t.strictSame(wrong, [])
  })

  for (const { control, probe, claim, remove } of parentControls) {
    t.test(`without "${control}"`, async t => {
      const instead = { parentConf: remove(conf), noTwin: !claim.includes('dials') }
      const [result] = await auditStack(stack, probesOf([probe]), instead)
      const open = result?.checks.filter(({ verdict }) => verdict === 'open') ?? []
      t.ok(
        open.some(check => check.claim === claim),
        JSON.stringify(result),
      )
    })
  }
})
