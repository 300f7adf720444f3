import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { command } from '../../base/command.ts'
import { UserError } from '../../base/errors.ts'
import { ContainerGone } from '../../engine/container-exec.ts'
import { openExecDuplex } from '../../engine/exec-duplex.ts'
import { openLocalPort } from '../../stack/forward/local-port.ts'
import { recordForwards } from '../../stack/forward/record.ts'
import { createTunnel } from '../../stack/forward/tunnel.ts'
import { stackId } from '../../stack/identity.ts'
import type { StackState } from '../../stack/inspect.ts'
import type { AgentService } from '../../stack/services.ts'
import { stateFolder } from '../../stack/state/state-folder.ts'
import type { EngineContext } from '../context.ts'
import { runningAgent } from '../find-stacks.ts'
import type { PortPair } from './ports.ts'

/** An open forward, with its address for a browser. */
export type OpenForward = PortPair & { url: string }

/**
 * Forwards ports of the host's loopback into a container, through the engine: no network is opened and no port
 * is published. Calls `opened` once all are open; resolves when the signal fires, and throws when the
 * container stops.
 */
export async function forwardPorts(
  context: EngineContext,
  stack: StackState,
  { service, ports }: { service: AgentService; ports: readonly PortPair[] },
  opened: (forwards: readonly OpenForward[]) => void,
): Promise<void> {
  const { engine, root, signal, log } = context
  const { container } = runningAgent(context, stack, service)
  const program = await readFile(join(root, 'src/stack/inside/forward.ts'), 'utf8')
  const node = ['--disable-warning=ExperimentalWarning', '--input-type=module-typescript']
  const numbers = ports.map(({ port }) => String(port))
  const open = () =>
    openExecDuplex(engine.address, {
      container,
      command: ['/usr/local/bin/node', ...node, '--eval', program, ...numbers],
      workingDirectory: '/',
    })
  const ended = new AbortController()
  const over = AbortSignal.any([signal, ended.signal])
  const tunnel = createTunnel(open, () => {
    recover(() => tunnel.warm(), over).then(
      recovered => recovered || ended.abort(),
      () => ended.abort(),
    )
  })
  const closers: (() => void | Promise<void>)[] = [tunnel.close]
  try {
    await tunnel.warm()
    for (const { port, local } of ports) {
      const once = onceUntilAnswered(() =>
        log({ kind: 'info', text: `nothing listens on port ${port} in ${service} yet` }),
      )
      const connect = async () => {
        const stream = await tunnel.connect(port)
        once.answered()
        return stream
      }
      closers.push(await openLocalPort({ port, local }, connect, once.report))
    }
    const state = stateFolder(stack.stack)
    closers.push(
      await recordForwards(
        state,
        ports.map(pair => ({ ...pair, service })),
      ),
    )
    opened(ports.map(pair => ({ ...pair, url: forwardUrl(stack.stack, pair.local) })))
    await aborted(over)
  } finally {
    for (const close of closers.reverse()) await close()
  }
  if (signal.aborted) return
  throw new UserError(`the ${service} container of ${stack.stack} stopped`, {
    hint: `run ${command('start')}, then forward again`,
  })
}

/**
 * Returns the address with a name of the stack's own. Browsers resolve names below localhost to the
 * loopback, and keep their cookies apart from those of other servers on localhost.
 */
export function forwardUrl(stack: string, local: number): string {
  return `http://${stackId(stack)}.localhost:${local}`
}

/** Milliseconds that a container gets to restart. */
const restartWithin = 15_000

/**
 * Starts the lost program again; false when that fails for too long. The engine is not asked about the
 * container: it still reports one as running when its processes are gone.
 */
async function recover(warm: () => Promise<void>, signal: AbortSignal): Promise<boolean> {
  const deadline = performance.now() + restartWithin
  while (performance.now() < deadline) {
    // Also limits how often an agent that kills the program makes us start it.
    await sleep(500, undefined, { signal })
    try {
      await warm()
      return true
    } catch (error) {
      // The container was removed.
      if (error instanceof ContainerGone) return false
    }
  }
  return false
}

/** Reports a closed port once, and again only after a connection succeeded: a browser retries often. */
function onceUntilAnswered(report: () => void) {
  let reported = false
  return {
    report() {
      if (!reported) report()
      reported = true
    },
    answered() {
      reported = false
    },
  }
}

function aborted(signal: AbortSignal): Promise<void> {
  return new Promise(resolve => {
    if (signal.aborted) return resolve()
    signal.addEventListener('abort', () => resolve(), { once: true })
  })
}
