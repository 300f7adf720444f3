import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import t from 'tap'
import { fakeDocker } from '../support/docker/fake-docker.ts'
import { goodEngine, startFakeEngine } from '../support/docker/fake-engine.ts'
import { stackContainer } from '../support/docker/stack-container.ts'
import { temporaryFolder } from '../support/stack/checkout.ts'
import { createControlScript } from '../support/stack/control-script.ts'
import { openTerminal } from '../support/stack/terminal.ts'

// Root at a terminal, on an engine with stacks of other users. A stand-in engine: none of this machine's is asked.
const script = await createControlScript(t)
const [mine, other, third] = [
  'claude-secure-mine-0a1b2c3d',
  'claude-secure-other-0a5f6a7b',
  'claude-secure-third-0a9f6a7b',
] as const

const container = (stack: string) =>
  stackContainer(stack, 'claude', {
    'claude-secure.workspace-mode': 'mount',
    'claude-secure.credentials': 'api-key',
  })

const folder = await temporaryFolder(t, 'calls')
const calls = join(folder, 'calls')
const docker = await fakeDocker(t, {
  cases: `compose\\ --project-name*) echo "$*" >> ${calls} ;;`,
})
const env = {
  ...script.env,
  DOCKER_HOST: await startFakeEngine(t, {
    ...goodEngine,
    '/containers/json': [mine, other, third].map(container),
  }),
  PATH: `${docker}:${script.env.PATH}`,
  XDG_CACHE_HOME: folder,
}
const state = join(script.env.XDG_STATE_HOME ?? '', 'claude-secure/stacks', mine)
await mkdir(state, { recursive: true })
// stop leaves it, and removes stack.yaml.
const identity = { version: 1, kind: 'folder', folder: `/home/me/${mine}` }
const record = () => writeFile(join(state, 'identity.json'), JSON.stringify(identity))

/** Returns the stacks that were stopped by a `stop --all` whose question gets these keys. */
async function stopAll(keys: readonly string[]) {
  await record()
  const before = (await readFile(calls, 'utf8').catch(() => '')).length
  const terminal = await openTerminal(t, [join(script.checkout, 'claude.ts'), 'stop', '--all'], {
    ...{ cwd: script.workspace, env, columns: 200 },
  })
  const question = await terminal.waitFor(/which other users may have started/)
  const asked = (await readFile(calls, 'utf8').catch(() => '')).length
  await terminal.press(...keys)
  const code = await terminal.exitStatus()
  const lines = (await readFile(calls, 'utf8').catch(() => '')).slice(before).split('\n')
  return {
    code,
    question,
    /** Whether a stack was stopped while the question was open. */
    early: asked !== before,
    screen: await terminal.screen(),
    stopped: lines.flatMap(line => /--project-name (\S+) down/.exec(line)?.[1] ?? []).sort(),
  }
}

const skip = process.getuid?.() !== 0 && 'the question is for root'

t.test(
  'root is asked about the stacks of others, by name, before any is stopped',
  { skip },
  async t => {
    const { code, question, early, stopped } = await stopAll(['y'])
    t.match(question, `stacks without a record in your state folder`)
    t.match(question.replaceAll(/\s+/g, ' '), `${other}, ${third}?`)
    t.notMatch(question, mine)
    t.notOk(early)
    t.equal(code, 0)
    t.same(stopped, [mine, other, third])
  },
)

t.test('Enter and No stop only what is yours, and name the rest', { skip }, async t => {
  for (const keys of [['Enter'], ['n']]) {
    const { code, screen, stopped } = await stopAll(keys)
    t.equal(code, 0, keys.join())
    t.same(stopped, [mine], keys.join())
    t.match(
      screen.replaceAll(/\s+/g, ' '),
      `skipped stacks without a record in your state folder: ${other}, ${third}; run`,
    )
  }
})

t.test('Ctrl-C at the question stops nothing', { skip }, async t => {
  const { code, stopped } = await stopAll(['C-c'])
  t.equal(code, 130)
  t.same(stopped, [])
})
