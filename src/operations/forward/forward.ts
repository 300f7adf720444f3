import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { until } from '../../base/async.ts'
import { command } from '../../base/command.ts'
import { UserError } from '../../base/errors.ts'
import { terminalLine } from '../../base/terminal-text.ts'
import { ContainerGone, openExecDuplex } from '../../engine/container-exec.ts'
import { openLocalPort } from '../../stack/forward/local-port.ts'
import {
  endForward,
  type ForwardRecord,
  readForwards,
  recordForwards,
} from '../../stack/forward/record.ts'
import { createTunnel } from '../../stack/forward/tunnel.ts'
import { stackId } from '../../stack/identity.ts'
import type { StackState } from '../../stack/inspect.ts'
import type { AgentService } from '../../stack/services.ts'
import { stateFolder } from '../../stack/state/state-folder.ts'
import type { EngineContext } from '../context.ts'
import { runningAgent } from '../find-stacks.ts'

/** A port of the container's loopback, and the port of the host's loopback that leads to it. */
export type PortPair = { port: number; local: number }

const most = 16

/** Parses `PORT` and `PORT:LOCAL`. */
export function parsePorts(words: readonly string[]): PortPair[] {
  const pairs = words.map(parsePair)
  const twice = pairs.find(({ local }, index) => pairs.findIndex(p => p.local === local) !== index)
  if (twice) throw usage(`port ${twice.local} of this host is named twice`)
  if (pairs.length === 0) throw usage('forward needs a port')
  if (pairs.length > most) throw usage(`forward takes at most ${most} ports`)
  return pairs
}

function parsePair(word: string): PortPair {
  const [, port, local = port] = /^(\d{1,5})(?::(\d{1,5}))?$/.exec(word) ?? []
  const pair = { port: Number(port), local: Number(local) }
  const valid = (number: number) => number >= 1 && number <= 65_535
  if (valid(pair.port) && valid(pair.local)) return pair
  throw usage(`${terminalLine(word, 40)} is not a port or PORT:LOCAL`)
}

function usage(message: string) {
  return new UserError(message, {
    hint: `name the port of the server in the container, and after a colon another one for this host: ${command('forward 5173:8080')}`,
    exitCode: 2,
  })
}

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

/** Returns the open forwards of a stack. */
export function openForwards(stack: string): Promise<ForwardRecord[]> {
  return readForwards(stateFolder(stack))
}

const closeWithin = 5_000

/**
 * Closes the forwards of these local ports, all without one, and waits until they are closed. Closes those of
 * the same command too.
 */
export async function closeForwards(
  stack: string,
  locals: readonly number[],
): Promise<ForwardRecord[]> {
  const open = await openForwards(stack)
  const missing = locals.find(local => !open.some(forward => forward.local === local))
  if (missing !== undefined) {
    const listed = open.map(({ local }) => local).join(', ')
    throw new UserError(`port ${missing} of this host is not forwarded to this folder's stack`, {
      hint: listed ? `open: ${listed}` : 'nothing is forwarded, so there is nothing to close',
    })
  }
  const wanted = open.filter(({ local }) => locals.length === 0 || locals.includes(local))
  const pids = new Set(wanted.map(({ pid }) => pid))
  const closing = open.filter(({ pid }) => pids.has(pid))
  await Promise.all(closing.map(endForward))
  const gone = async () => !(await openForwards(stack)).some(({ pid }) => pids.has(pid))
  if (!(await until(gone, { every: 50, timeout: closeWithin }))) {
    throw new UserError(`the process ${[...pids].join(', ')} did not close its port`, {
      hint: `end it with kill -9 ${[...pids].join(' ')}`,
    })
  }
  return closing
}
