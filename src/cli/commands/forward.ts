import { silentLog } from '../../base/log.ts'
import { terminalJson } from '../../base/terminal-text.ts'
import { openEngine } from '../../operations/context.ts'
import { currentStack, currentStackName } from '../../operations/find-stacks.ts'
import { forwardPorts, forwardUrl, type OpenForward } from '../../operations/forward/forward.ts'
import { closeForwards, openForwards } from '../../operations/forward/open-forwards.ts'
import { parsePorts } from '../../operations/forward/ports.ts'
import type { ForwardRecord } from '../../stack/forward/record.ts'
import { serviceOfRuns, serviceOfSessions } from '../../stack/services.ts'
import { detachForward, type SupervisedAnswer } from '../detach-forward.ts'
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
  if (options.list) return list(options)
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

async function list({ json }: ForwardOptions) {
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
