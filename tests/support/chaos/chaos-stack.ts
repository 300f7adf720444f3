import { randomBytes } from 'node:crypto'
import { join } from 'node:path'
import type { Test } from 'tap'
import { must, type Outcome, run, until } from '../stack/process.ts'
import { createTestStack, type TestStack, type TestStackOptions } from '../stack/test-stack.ts'
import { tryToLeave } from './leaving.ts'
import { isLocked, mountsWith, processesWith, resourcesOf } from './resources.ts'
import { layersWith, whereIs } from './secret-search.ts'

export type ChaosStack = TestStack & {
  secret: string
  /** `claude -p` in the container, as the real program answers; `patience` in milliseconds. */
  ask: (prompt: string, patience?: number) => Promise<Outcome>
  /** Waits until the answer to the prompt under way has begun to come. */
  untilStreaming: () => Promise<unknown>
  untilHealthy: (...services: string[]) => Promise<void>
  inspect: (service: string, format: string) => Promise<string>
  /** Runs `blow` while the agent tries to leave, and says what must hold whatever happened. */
  withoutEgress: (t: Test, blow: () => Promise<void>) => Promise<void>
  /** The stack works, holds its secret and has nothing too many. */
  aftermath: (t: Test) => Promise<void>
  /** `stop`, and then nothing is left but what is kept on purpose. */
  stopsClean: (t: Test) => Promise<void>
}

const networks = ['claude-internal', 'proxy-external', 'services-internal']

/** A test stack with a secret that is nobody else's, and with the questions that are asked after each blow. */
export async function createChaosStack(
  t: Test,
  options: TestStackOptions = {},
): Promise<ChaosStack> {
  const services = ['claude', 'gateway', 'proxy', ...(options.worker ? ['worker'] : [])]
  const secret = `sk-ant-api03-CHAOS${randomBytes(24).toString('hex')}AA`
  const stack = await createTestStack(t, {
    allow: ['allowed.test'],
    // Beside other tests on one machine.
    block: process.env.CHAOS_BLOCK === '3' ? 3 : 0,
    ...options,
    settings: { ANTHROPIC_API_KEY: secret, ...options.settings },
  })
  const { internet, container, cli, inside } = stack
  // Also of containers that are gone: whatever still bears one of these is an orphan.
  const everSeen = new Set<string>()
  const credentialFile = join(
    stack.env.XDG_STATE_HOME ?? '',
    `claude-secure/stacks/${stack.stack}/credential.json`,
  )

  const volumes = ['home', ...(options.worker ? ['worker-home'] : [])].map(
    name => `${stack.stack}_${name}-4242`,
  )

  const ask: ChaosStack['ask'] = (prompt, patience = 600_000) =>
    inside(['claude', '--dangerously-skip-permissions', '-p', prompt], { timeout: patience })
  const inspect: ChaosStack['inspect'] = async (service, format) =>
    (await must('docker', ['inspect', '--format', format, container(service)])).trim()

  const remember = async () => {
    const resources = await resourcesOf(stack.stack)
    for (const id of resources.containers) everSeen.add(id)
    return resources
  }

  return {
    ...stack,
    secret,
    ask,
    inspect,
    untilStreaming: () =>
      until('the answer to begin', async () =>
        (await internet.modelRequests()).some(({ outcome }) => outcome === 'open'),
      ),
    async untilHealthy(...names) {
      for (const name of names) {
        await until(`${name} to be healthy`, async () => {
          const { stdout } = await run('docker', [
            ...['inspect', '--format', '{{.State.Running}} {{.State.Health.Status}}'],
            container(name),
          ])
          return stdout.trim() === 'true healthy'
        })
      }
    },

    async withoutEgress(t, blow) {
      await remember()
      await internet.forgetModelRequests()
      const before = (await internet.events()).length
      const leaving = await tryToLeave(t, stack)
      await blow()
      // On what came back, at least one whole pass.
      const done = leaving.passes()
      await until('the agent to try again', async () => leaving.passes() > done)
      t.same(await leaving.end(), [], 'nothing the agent tried got through')
      const seen = (await internet.events()).slice(before)
      t.same(
        seen.filter(event => event.kind !== 'dns' || event.name !== 'api.anthropic.com'),
        [],
        'the internet saw no connection and was asked for no name but the API',
      )
      for (const { host, method, path } of await internet.modelRequests()) {
        t.equal(host, 'api.anthropic.com')
        t.match(`${method} ${path}`, /^(POST \/v1\/messages|HEAD \/)/)
      }
    },

    async aftermath(t) {
      const { containers, networks: present, volumes: kept } = await remember()
      t.equal(containers.length, services.length, 'a container for each service')
      t.same(
        present,
        networks.map(name => `${stack.stack}_${name}`),
        'its networks and no other',
      )
      t.same(kept, volumes, 'its volumes and no other')
      const answer = await ask('[[say all is well]]')
      t.equal(answer.stdout.trim(), 'all is well', answer.stderr)
      const allowed = await inside(['curl', '-sSk', '--max-time', '120', 'https://allowed.test/'])
      t.match(allowed.stdout, /reached-the-internet/, 'what is allowed is let through')
      t.same(await whereIs(secret, stack), [credentialFile], 'the secret is in its file alone')
      t.equal(await isLocked(stack.stack), false, 'nobody holds the lock')
      const status = await cli(['status', '--json'])
      t.equal(status.code, 0, status.stderr)
      t.match(status.stdout, /"running": ?true/)
    },

    async stopsClean(t) {
      await remember()
      t.same(await layersWith(secret, stack), [], 'no layer of an image has the secret')
      await internet.detach()
      const { code, stderr } = await cli(['stop'])
      t.equal(code, 0, stderr)
      const left = await resourcesOf(stack.stack)
      t.same(left, { containers: [], networks: [], volumes })
      const traces = [stack.stack, ...everSeen]
      const noProcess = async () => (await processesWith(traces)).length === 0
      // The engine takes its shims away after it has answered.
      await until('the last process to end', noProcess).catch(() => {})
      t.same(await processesWith(traces), [], 'no process is left')
      t.same(await mountsWith(traces), [], 'no mount is left')
      t.equal(await isLocked(stack.stack), false, 'nobody holds the lock')
      t.same(await whereIs(secret, stack), [], 'the secret is in no file of the stack')
    },
  }
}
