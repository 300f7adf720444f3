import { terminalJson } from '../../base/terminal-text.ts'
import { openEngine } from '../../operations/engine-context.ts'
import { inspectHere } from '../../operations/status.ts'
import type { Invocation } from '../invocation.ts'
import { renderStatus } from '../render/status.ts'

/** Prints what runs in the current folder, how it authenticates, and what it may reach. */
export async function status(options: { json?: boolean }, invocation: Invocation) {
  const found = await inspectHere(await openEngine(invocation))
  console.log(options.json ? terminalJson(found) : renderStatus(found))
}
