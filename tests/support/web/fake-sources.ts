import { Duplex } from 'node:stream'
import { UserError } from '../../../src/base/errors.ts'
import type {
  CommitDetailsView,
  CommitsView,
  EgressView,
  RunView,
  StackView,
  UsageView,
} from '../../../src/web/messages.ts'
import type { WebSources } from '../../../src/web/sources.ts'

/** A terminal of a test: what was typed, and a way to print. */
export type FakeTerminal = {
  stack: string
  sizes: { rows?: number; columns?: number }[]
  typed: () => string
  print: (text: string | Buffer) => boolean
  /** Ends it, as a session that is left. */
  end: () => void
  stream: Duplex
}

export const stackView = (name: string, folder = `/home/user/${name}`): StackView => ({
  stack: `claude-secure-${name}-0a1b2c3d`,
  id: '0a1b2c3d',
  folder,
  session: null,
  mode: 'mount',
})

export const noUsage: UsageView | null = null

/** Sources without an engine: a test changes what they have, and reads what was asked of them. */
export function createFakeSources() {
  const terminals: FakeTerminal[] = []
  const asked: object[] = []
  const state = {
    stacks: [stackView('shop'), stackView('site')],
    runs: [] as RunView[],
    usage: noUsage,
    past: [] as EgressView[],
    refuse: null as Error | null,
    notices: ['added: registry.example.com'],
    /** Output that a terminal begins with. */
    greeting: 'welcome\r\n',
    onEntry: null as ((entry: EgressView) => void) | null,
    /** Number of followers of the egress log. */
    followers: 0,
    commits: null as CommitsView | null,
    details: null as CommitDetailsView | null,
    onCommits: null as ((commits: CommitsView) => void) | null,
  }
  const known = (stack: string) => {
    if (state.stacks.some(view => view.stack === stack)) return
    throw new UserError(`no running stack is called ${stack}`, { hint: 'start it' })
  }
  const sources: WebSources = {
    stacks: async () => state.stacks,
    async openTerminal(stack, size) {
      known(stack)
      const typed: Buffer[] = []
      const stream = new Duplex({
        read() {},
        write(chunk: Buffer, _encoding, done) {
          typed.push(chunk)
          done()
        },
      })
      const terminal: FakeTerminal = {
        stack,
        sizes: [size],
        typed: () => Buffer.concat(typed).toString(),
        print: text => stream.push(text),
        end: () => void stream.push(null),
        stream,
      }
      terminals.push(terminal)
      stream.push(state.greeting)
      return { stream, resize: size => terminal.sizes.push(size), exitStatus: async () => 0 }
    },
    afterTerminal: async () => ['moved .envrc away'],
    async egress(stack, { onEntry, signal }) {
      known(stack)
      state.followers++
      for (const entry of state.past) onEntry(entry)
      state.onEntry = onEntry
      await new Promise<void>(resolve => {
        signal.addEventListener('abort', () => resolve(), { once: true })
      })
      state.followers--
    },
    async editPolicy(stack, edit) {
      asked.push({ stack, ...edit })
      if (state.refuse) throw state.refuse
      known(stack)
      return state.notices
    },
    runs: async () => state.runs,
    async answer(stack, runId, answers, question) {
      asked.push({ stack, runId, answers, question })
      state.runs = state.runs.map(run => (run.runId === runId ? { ...run, question: null } : run))
    },
    async cancel(stack, runId) {
      asked.push({ stack, runId })
    },
    usage: async () => state.usage,
    async commits(stack, { onCommits, signal }) {
      if (!state.commits) return
      known(stack)
      onCommits(state.commits)
      state.onCommits = onCommits
      await new Promise<void>(resolve => {
        signal.addEventListener('abort', () => resolve(), { once: true })
      })
    },
    async commit(stack, id) {
      known(stack)
      if (state.details?.id === id) return state.details
      throw new UserError(`the session has no commit ${id.slice(0, 10)}`, { hint: 'reload' })
    },
    async review(request) {
      asked.push(request)
      if (state.refuse) throw state.refuse
      return ['origin, claude/x: created']
    },
  }
  return { sources, terminals, asked, state }
}
