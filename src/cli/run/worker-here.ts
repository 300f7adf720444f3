import { realpath } from 'node:fs/promises'
import { UserError } from '../../base/errors.ts'
import { imageAdditions } from '../../config/image-additions.ts'
import { checkoutRoot, customRoot } from '../../config/paths.ts'
import { settingsInEnvironment } from '../../config/setting-names.ts'
import type { ExecStream } from '../../engine/exec-stream.ts'
import { openContext } from '../../operations/context.ts'
import { workspaceHere } from '../../operations/workspace-here.ts'
import { serviceOf } from '../../stack/inspect.ts'
import { lostOverlays } from '../../stack/protection.ts'
import type { RunningAgent } from '../../stack/running-agent.ts'
import { stateFolder } from '../../stack/state/state-folder.ts'
import { bringUp } from '../commands/start.ts'
import type { Invocation } from '../invocation.ts'
import {
  addedStamp,
  customStamp,
  forgetSession,
  overlayStamp,
  quickStamp,
  rememberedSession,
  rememberSession,
  runsAsLeft,
} from '../quick-session.ts'
import { runningAgent } from '../running-agent.ts'

/** Where runs of this folder go. */
export type Worker = RunningAgent & {
  /** Name of the stack. */
  stack: string
  /** Real path of the folder on the host. */
  workspace: string
}

/** The worker of the current folder, brought up if need be; `client` waits in it for a request. */
export async function workerHere(
  options: { copy?: boolean },
  invocation: Invocation,
): Promise<{ worker: Worker; client: ExecStream | null }> {
  const early = options.copy ? null : (invocation.earlyClient ?? null)
  return early
    ? { worker: early.worker, client: early.exec }
    : ((options.copy ? null : await quickWorker()) ?? bringUpWorker(options, invocation))
}

/** Where nothing changed since the last run: one question to the engine. */
async function quickWorker() {
  const worker = await rememberedSession(settingsInEnvironment(), 'worker')
  return worker && (await runsAsLeft(worker, 'worker')) ? { worker, client: null } : null
}

async function bringUpWorker(options: { copy?: boolean }, invocation: Invocation) {
  const root = checkoutRoot()
  const folder = await realpath(process.cwd())
  // Before anything is read: what changes from here on is noticed by the next run.
  const stamp = await quickStamp(root, folder, settingsInEnvironment())
  forgetSession(folder, 'worker')
  const context = await openContext(invocation)
  const customFolder = customRoot(context.settings)
  const custom = customStamp(customFolder, folder)
  const additions = imageAdditions(context.settings)
  const added = addedStamp(additions)
  const workspace = await workspaceHere(context, { copy: options.copy ?? false })
  const { state, outcome } = await bringUp(context, workspace, { agents: ['worker'] })
  if (outcome === 'outdated' && !serviceOf(state, 'worker')) {
    throw new UserError(
      'the stack runs with older settings for as long as a session is open in it, and has no worker',
      { hint: 'end the session and run ./claude.ts stop, then run this again' },
    )
  }
  const agent = runningAgent(context, state, 'worker')
  const { path, stack } = workspace
  if (outcome !== 'outdated' && (await lostOverlays(stateFolder(stack))).length === 0) {
    const { fingerprint } = state
    const overlays = overlayStamp(folder)
    const made = { customFolder, custom, additions, added, stack, workspace: path, fingerprint }
    rememberSession(folder, { ...agent, stamp, overlays, ...made }, 'worker')
  }
  return { worker: { ...agent, stack, workspace: path }, client: null }
}
