import t from 'tap'
import type { ImageSet } from '../../../../src/images/image-tags.ts'
import {
  type StartEffects,
  startWorkflow,
} from '../../../../src/operations/start/start-workflow.ts'
import type { Additions } from '../../../../src/stack/additions/additions.ts'
import type { StackState } from '../../../../src/stack/inspect.ts'
import type { Stack } from '../../../../src/stack/stack.ts'

const custom = { declared: [] } as unknown as Additions
const images = { agent: 'agent:1' } as ImageSet
const before = { stack: 'before' } as StackState
const after = { stack: 'after' } as StackState
const seen = { work: '2 unapplied changes', digest: 'x' }
const stack = { mode: 'login' } as Stack

/** Effects that record what they are called with; `failing` throws. */
function fakeEffects(failing: string | null = null) {
  const calls: unknown[][] = []
  const called = (name: string, ...given: unknown[]) => {
    calls.push([name, ...given])
    if (name === failing) throw new Error(`${name} failed`)
  }
  const effects: StartEffects = {
    checkConfiguration: async () => called('check configuration'),
    customise: async () => {
      called('customise')
      return custom
    },
    refuseAdditionsOfAgent: given => called('refuse additions', given),
    refuseLogin: async () => called('refuse login'),
    withLock: async body => {
      called('lock')
      try {
        return await body()
      } finally {
        called('unlock')
      }
    },
    ensureImages: async () => {
      called('ensure images')
      return images
    },
    inspect: async () => {
      called('inspect')
      return before
    },
    refuseOtherMode: async state => called('refuse other mode', state),
    confirmDiscard: async () => {
      called('confirm discard')
      return seen
    },
    refuseChangedCopy: async (...given) => called('refuse a changed copy', ...given),
    openStack: async (...given) => {
      called('open stack', ...given)
      return stack
    },
    startStack: async (...given) => {
      called('start stack', ...given)
      return { outcome: 'started', state: after }
    },
    forgetSecrets: async () => called('forget secrets'),
    announce: async (...given) => called('announce', ...given),
    leaveCopy: async (...given) => called('leave copy', ...given),
    copyIn: async (...given) => called('copy in', ...given),
    runSetupCommands: async (...given) => called('run setup commands', ...given),
  }
  return { effects, calls }
}

const steps: unknown[][] = [
  ['check configuration'],
  ['customise'],
  ['refuse additions', custom],
  ['refuse login'],
  // A question that is open must not hold the lock.
  ['confirm discard'],
  ['lock'],
  ['ensure images'],
  ['inspect'],
  ['refuse other mode', before],
  ['refuse a changed copy', before, seen],
  ['open stack', images, custom, before],
  ['start stack', stack, before],
  ['announce', stack, 'started'],
  ['leave copy', stack, after],
  ['copy in', stack, after],
  ['run setup commands', after, custom],
  ['unlock'],
]

t.test('a start takes its steps in order, and asks the engine once', async t => {
  const { effects, calls } = fakeEffects()
  t.same(await startWorkflow(effects), { stack, state: after, outcome: 'started' })
  t.same(calls, steps)
})

const lock = steps.findIndex(([name]) => name === 'lock')
for (const [index, [name]] of steps.slice(0, -1).entries()) {
  t.test(`a failure to ${name} stops the rest and releases the lock`, async t => {
    const { effects, calls } = fakeEffects(String(name))
    await t.rejects(startWorkflow(effects), { message: `${name} failed` })
    // A stack that did not come up does not need the secrets that were written for it.
    const forgotten = name === 'open stack' || name === 'start stack' ? [['forget secrets']] : []
    const released = index > lock ? [['unlock']] : []
    t.same(calls, [...steps.slice(0, index + 1), ...forgotten, ...released])
  })
}
