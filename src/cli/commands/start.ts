import { realpath } from 'node:fs/promises'
import { UserError } from '../../base/errors.ts'
import { terminalLine } from '../../base/terminal-text.ts'
import { parseCopyExclude } from '../../config/copy-exclude.ts'
import { userEnvironment } from '../../config/environment.ts'
import { imageAdditions } from '../../config/image-additions.ts'
import { checkoutRoot, customRoot, demoFolder } from '../../config/paths.ts'
import { parseProtect } from '../../config/protected-names.ts'
import { settingsInEnvironment } from '../../config/setting-names.ts'
import { refusedPolicy } from '../../egress/proxy-log.ts'
import { createArchive } from '../../engine/archive.ts'
import { refuseAdditionsOfAgent } from '../../operations/additions/additions-apart.ts'
import { customise } from '../../operations/additions/customise.ts'
import { runSetupCommands } from '../../operations/additions/setup-commands.ts'
import { type Context, openContext } from '../../operations/context.ts'
import { checkResume, refuseUnknown } from '../../operations/conversations.ts'
import { ensureImages } from '../../operations/images/ensure-images.ts'
import { checkConfiguration } from '../../operations/start/check-configuration.ts'
import { openStack } from '../../operations/start/open-stack.ts'
import { ownPlaces, workspaceHere } from '../../operations/workspace-here.ts'
import { credentialMode, weakness } from '../../stack/credential.ts'
import { hasLiveSession, inspectStack, type StackState, serviceOf } from '../../stack/inspect.ts'
import { lostOverlays } from '../../stack/protection.ts'
import type { AgentService, Stack } from '../../stack/stack-file.ts'
import { type StartOutcome, startStack } from '../../stack/start.ts'
import { withLock } from '../../stack/state/lock.ts'
import { stateFolder } from '../../stack/state/state-folder.ts'
import { copyContainer, ensureCopy } from '../../stack/workspace-copy.ts'
import type { Workspace } from '../../workspace/workspace.ts'
import { renderLost } from '../host-files-notice.ts'
import type { Invocation } from '../invocation.ts'
import {
  addedStamp,
  customStamp,
  forgetSession,
  overlayStamp,
  quickStamp,
  rememberSession,
} from '../quick-session.ts'
import { runningAgent } from '../running-agent.ts'
import { andTellAfter, execInTerminal, sessionCommand } from '../session.ts'
import { isInteractive } from '../terminal.ts'

/** How a copy is taken, when one is. */
export type CopyOptions = { freshCopy?: boolean; exclude?: string[]; includeIgnored?: string[] }

export type StartOptions = CopyOptions & {
  detach?: boolean
  /** The last conversation, where there is one; false begins a new one. */
  continue?: boolean
  /** Id of the conversation to go on with. */
  resume?: string
  /** Bring up the container of runs too. */
  worker?: boolean
  copy?: boolean
}

/** Brings up the stack of the current folder and opens Claude Code; returns Claude Code's exit status. */
export async function start(options: StartOptions, invocation: Invocation): Promise<number> {
  if (options.resume !== undefined) checkResume(options.resume)
  const root = checkoutRoot()
  const folder = await realpath(process.cwd())
  // Before anything is read: what changes from here on is noticed by the next start.
  const stamp = await quickStamp(root, folder, settingsInEnvironment())
  forgetSession(folder)
  const context = await openContext(invocation)
  const customFolder = customRoot(context.settings)
  const custom = customStamp(customFolder, folder)
  const additions = imageAdditions(context.settings)
  const added = addedStamp(additions)
  const workspace = await workspaceHere(context, { copy: options.copy ?? false })
  const agents: AgentService[] = options.worker ? ['claude', 'worker'] : ['claude']
  const { state, outcome, stack: made } = await bringUp(context, workspace, { ...options, agents })
  const agent = runningAgent(context, state)
  if (outcome !== 'outdated' && !made.custom?.unanswered) {
    const { stack, fingerprint } = state
    const overlays = overlayStamp(folder)
    // One that was replaced a moment ago is not what the stack stands on.
    if ((await lostOverlays(stateFolder(stack))).length === 0) {
      const { path } = workspace
      const stamps = { stamp, overlays, customFolder, custom, additions, added }
      rememberSession(folder, { ...agent, ...stamps, stack, workspace: path, fingerprint })
    }
  }
  if (!options.detach && isInteractive()) {
    const { resume } = options
    if (resume !== undefined) await refuseUnknown(context, state, resume)
    const session = { ...agent, stack: workspace.stack, workspace: workspace.path }
    const command = sessionCommand({ fresh: options.continue === false, resume })
    return andTellAfter({ ...session, verbose: invocation.verbose }, () =>
      execInTerminal(agent, command),
    )
  }
  if (outcome === 'running') await warnOfRefusedPolicy(context, state)
  context.log({ kind: 'info', text: `${workspace.stack} is up` })
  if (!options.detach) {
    context.log({
      kind: 'info',
      text: 'no terminal here, so no session was opened: ./claude.ts start opens one',
    })
  }
  return 0
}

/** A stack that runs already goes on with its policy when an edit was refused; nobody saw that happen. */
async function warnOfRefusedPolicy({ engine, log }: Context, state: StackState) {
  const proxy = serviceOf(state, 'proxy')
  const lines = proxy ? await engine.logLines(proxy.container, 2_000).catch(() => []) : []
  const refused = refusedPolicy(lines)
  if (refused === null) return
  const text = `squid.conf is not in force, the proxy goes on with the policy it had: ${refused}`
  log({ kind: 'warn', text })
}

/** Everything up to the open session, under the lock of this workspace. */
export async function bringUp(
  context: Context,
  workspace: Workspace,
  options: CopyOptions & { mode?: Stack['mode']; agents?: readonly AgentService[] },
): Promise<{ stack: Stack; state: StackState; outcome: StartOutcome }> {
  const { engine, docker, log, signal, settings, root } = context
  await checkConfiguration(settings, root)
  const custom = await customise(context, workspace)
  const additions = imageAdditions(settings)
  refuseAdditionsOfAgent(additions, workspace.path)
  for (const { source, writable } of custom.declared) {
    if (writable) refuseAdditionsOfAgent(additions, source)
  }
  return withLock(workspace.stack, { log, signal }, async () => {
    const images = await ensureImages({ ...context, client: docker, network: userEnvironment() })
    const before = await inspectStack(engine, workspace.stack)
    const mode = options.mode ?? (await keptRehearsal(context, workspace, before))
    const stack = await openStack({
      workspace,
      settings,
      images,
      root,
      engineMajor: context.engineMajor,
      custom,
      ...(mode && { mode }),
    })
    await refuseOtherMode(context, workspace, before)
    const { outcome, state } = await startStack(
      { engine, docker, log, ...(signal && { signal }) },
      stack,
      before,
      options.agents ?? ['claude'],
    )
    if (outcome !== 'running') await announce(context, stack, outcome)
    if (workspace.mode === 'copy') await copyIn(context, stack, state, options)
    await runSetupCommands(context, state, options.agents ?? ['claude'], custom.setupCommands)
    return { stack, state, outcome }
  })
}

async function announce({ log }: Context, stack: Stack, outcome: 'started' | 'outdated') {
  const { workspace, mode } = stack
  if (outcome === 'outdated') {
    log({
      kind: 'warn',
      text: 'settings, images or protected files changed; they take effect after ./claude.ts stop and start',
    })
    for (const text of renderLost(await lostOverlays(stack.state))) log({ kind: 'warn', text })
  }
  const loosened = parseProtect(stack.settings.PROTECT) ?? []
  if (workspace.mode === 'mount' && loosened.length > 0) {
    log({
      kind: 'warn',
      text: `PROTECT in .env lets the agent write what your host runs: ${loosened.join(' ')}`,
    })
  }
  const writable = stack.custom?.declared.filter(({ writable }) => writable) ?? []
  if (writable.length > 0) {
    const names = writable.map(({ source }) => terminalLine(source)).join(', ')
    log({
      kind: 'warn',
      text: `CLAUDE_MOUNT_… lets the agent write in ${names}: hooks and editor settings there are not protected; :ro protects them`,
    })
  }
  if (stack.custom?.files.some(({ secret }) => secret)) {
    log({ kind: 'warn', text: 'SSH_DIR gives the agent a private key, which it can read' })
  }
  if (workspace.mode === 'copy') {
    const reason = workspace.copyReason ? ` (${workspace.copyReason})` : ''
    log({
      kind: 'info',
      text: `the agent works on a copy of ${workspace.path}${reason}: ./claude.ts diff shows its changes, ./claude.ts apply brings them back`,
    })
  }
  if (mode === 'rehearsal') {
    const text = 'the scripted model of the demo answers here: no key or token is in .env'
    log({ kind: 'info', text })
  }
  const weaker = weakness(mode)
  if (weaker) log({ kind: 'warn', text: `no credential in .env: ${weaker}` })
}

async function copyIn(context: Context, stack: Stack, state: StackState, options: CopyOptions) {
  const container = copyContainer(state)
  if (container === null) return
  const { freshCopy: fresh = false, exclude = [], includeIgnored = [] } = options
  if (fresh && (await hasLiveSession(context.engine, state))) {
    throw new UserError('the agent is at work in the copy that --fresh-copy would replace', {
      hint: 'end its session first, or run ./claude.ts stop',
    })
  }
  const said = [...exclude, ...includeIgnored.map(pattern => `!${pattern}`)]
  const outcome = await ensureCopy(
    {
      archive: createArchive(context.engine.address),
      docker: context.docker,
      container,
      workspace: stack.workspace,
      state: stack.state,
      secrets: ownPlaces(context).secrets,
      log: context.log,
      ...(context.signal && { signal: context.signal }),
    },
    { fresh, excludes: [...parseCopyExclude(context.settings.COPY_EXCLUDE), ...said] },
  )
  if (outcome === 'kept' && said.length > 0) {
    context.log({
      kind: 'warn',
      text: '--exclude and --include-ignored had no effect: the copy is there already, --fresh-copy takes it anew',
    })
  }
}

/**
 * A demo's stack goes on with its scripted model for as long as no credential is there to replace it,
 * also when it was stopped: nobody has a conversation with Anthropic's login in mind there.
 */
async function keptRehearsal(
  { settings }: Context,
  workspace: Workspace,
  state: StackState | null,
) {
  if (settings.CREDENTIALS === 'direct' || credentialMode(settings) !== 'login') return undefined
  const isDemo = workspace.path === (await realpath(demoFolder()).catch(() => null))
  return isDemo || state?.credentials === 'rehearsal' ? ('rehearsal' as const) : undefined
}

/** A stack that runs on a copy must not silently become one that writes to the folder itself. */
async function refuseOtherMode(
  { engine }: Context,
  workspace: Workspace,
  state: StackState | null,
) {
  if (!state || state.workspaceMode === workspace.mode) return
  if (!(await hasLiveSession(engine, state))) return
  throw new UserError(
    `a session is open in ${terminalLine(workspace.path)} in ${state.workspaceMode} mode, not in ${workspace.mode} mode`,
    { hint: 'end it first, or run ./claude.ts stop' },
  )
}
