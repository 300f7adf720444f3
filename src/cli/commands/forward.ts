import { spawn } from 'node:child_process'
import { join } from 'node:path'
import * as z from 'zod'
import { UserError } from '../../base/errors.ts'
import { parseJson } from '../../base/json.ts'
import { silentLog } from '../../base/log.ts'
import { terminalJson } from '../../base/terminal-text.ts'
import { backgroundEnvironment } from '../../config/background-environment.ts'
import { userEnvironment } from '../../config/environment.ts'
import { checkoutRoot } from '../../config/paths.ts'
import { openEngine } from '../../operations/context.ts'
import { currentStack, currentStackName } from '../../operations/find-stacks.ts'
import {
  closeForwards,
  forwardPorts,
  forwardUrl,
  type OpenForward,
  openForwards,
  parsePorts,
} from '../../operations/forward/forward.ts'
import type { ForwardRecord } from '../../stack/forward/record.ts'
import { serviceOfRuns, serviceOfSessions } from '../../stack/services.ts'
import type { Invocation } from '../invocation.ts'

export type ForwardOptions = {
  worker?: boolean
  detach?: boolean
  list?: boolean
  close?: boolean
  json?: boolean
  supervised?: boolean
}

/** Forwards ports of the agent's container to this host's loopback, or lists or closes such forwards. */
export async function forward(
  words: readonly string[],
  options: ForwardOptions,
  invocation: Invocation,
) {
  if (options.list) return list(options, invocation)
  if (options.close) return close(words, invocation)
  const ports = parsePorts(words)
  if (options.detach) return show(await detachForward(words, options), invocation)
  // The terminal of a supervised forward is gone, and writing to it would end the forward.
  const { log } = options.supervised ? { log: silentLog } : invocation
  const context = await openEngine({ ...invocation, log })
  const stack = await currentStack(context)
  const service = options.worker ? serviceOfRuns : serviceOfSessions
  await forwardPorts(context, stack, { service, ports }, forwards => {
    if (options.supervised) answer({ forwards: [...forwards] })
    else show(forwards, invocation)
  })
}

function show(forwards: readonly OpenForward[], { log }: Pick<Invocation, 'log'>) {
  for (const { url } of forwards) console.log(url)
  log({
    kind: 'warn',
    text: 'pages of the agent run in your browser, which reaches the internet and your other local servers: use a browser profile without logins (docs/forward.md)',
  })
}

function answer(answer: SupervisedAnswer) {
  console.log(JSON.stringify(answer))
}

async function list({ json }: ForwardOptions, { log }: Invocation) {
  const stack = await currentStackName()
  const forwards = await openForwards(stack)
  if (json) {
    const shown = forwards.map(({ version: _, ticks: __, ...forward }) => ({
      ...forward,
      url: forwardUrl(stack, forward.local),
    }))
    console.log(terminalJson({ version: 1, forwards: shown }))
    return
  }
  for (const forward of forwards) console.log(renderForward(stack, forward))
  if (forwards.length === 0) log({ kind: 'info', text: 'nothing is forwarded' })
}

export function renderForward(stack: string, { service, port, local }: ForwardRecord): string {
  return `${forwardUrl(stack, local)} → ${service}:${port}`
}

async function close(words: readonly string[], { log }: Invocation) {
  const stack = await currentStackName()
  const locals = words.length === 0 ? [] : parsePorts(words).map(({ local }) => local)
  const closed = await closeForwards(stack, locals)
  const ports = closed.map(({ local }) => local).join(', ')
  log({ kind: 'info', text: closed.length === 0 ? 'nothing is forwarded' : `closed: ${ports}` })
}

/** The single line that a supervised forward prints: its ports are open. */
const SupervisedAnswer = z.object({
  forwards: z.array(z.object({ port: z.number(), local: z.number(), url: z.string() })),
})
export type SupervisedAnswer = z.infer<typeof SupervisedAnswer>

const openWithin = 30_000
const stderrBytes = 4_096

/** Starts the forward in a session of its own, which survives the terminal; resolves once it is open. */
export async function detachForward(
  words: readonly string[],
  { worker }: { worker?: boolean },
): Promise<readonly OpenForward[]> {
  const args = ['forward', '--supervised', ...(worker ? ['--worker'] : []), '--', ...words]
  const child = spawn(join(checkoutRoot(), 'claude.ts'), args, {
    cwd: process.cwd(),
    env: backgroundEnvironment(userEnvironment()),
    detached: true,
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  let stderr = ''
  child.stderr.on('data', (chunk: Buffer) => {
    stderr = `${stderr}${chunk}`.slice(-stderrBytes)
  })
  const line = await new Promise<string>((resolve, reject) => {
    let text = ''
    const timer = setTimeout(() => child.kill('SIGTERM'), openWithin)
    const done = () => {
      clearTimeout(timer)
      resolve(text)
    }
    const failed = (error: Error) => {
      clearTimeout(timer)
      reject(error)
    }
    child.once('error', failed).once('close', done)
    child.stdout.on('data', (chunk: Buffer) => {
      text = `${text}${chunk}`.slice(0, stderrBytes)
      if (text.includes('\n')) done()
    })
  })
  child.stdout.destroy()
  child.stderr.destroy()
  child.unref()
  const answer = SupervisedAnswer.safeParse(parseJson(line))
  if (answer.success) return answer.data.forwards
  throw failureIn(stderr)
}

/** Repeats the error that the supervised command printed. */
function failureIn(stderr: string): UserError {
  const line = (start: string) => new RegExp(`^${start}:\\s+(.*)$`, 'm').exec(stderr)?.[1]
  return new UserError(line('error') ?? 'the background process of the forward ended', {
    hint: line('hint') ?? 'run it without --detach to see the reason',
  })
}
