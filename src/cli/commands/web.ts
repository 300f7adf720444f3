import { UserError } from '../../base/errors.ts'
import { terminalLine } from '../../base/terminal-text.ts'
import { serveWeb } from '../../web/web.ts'
import { calledAs } from '../called-as.ts'
import type { Invocation } from '../invocation.ts'

export type WebCommandOptions = { port?: string; open?: boolean; web?: boolean }

/** Serves the page on this host's loopback until Ctrl-C, and prints its address. */
export async function web(options: WebCommandOptions, invocation: Invocation): Promise<void> {
  const port = options.port === undefined ? null : parsePort(options.port)
  const open = options.open ?? options.web ?? false
  await serveWeb({ ...invocation, calledAs: calledAs() }, { port, open }, url => {
    console.log(url)
    invocation.log({
      kind: 'info',
      text: 'keep the address private: its token lets a browser act as you. Ctrl-C ends the page; sessions continue',
    })
  })
}

/** Parses a port; 0 takes any free one. */
export function parsePort(text: string): number {
  const port = /^\d{1,5}$/.test(text) ? Number(text) : Number.NaN
  if (port <= 65_535) return port
  throw new UserError(`--port ${terminalLine(text, 40)} is not a port`, {
    hint: 'give a number from 0 to 65535, or omit it for 3456 or the next free one',
    exitCode: 2,
  })
}
