import { realpath } from 'node:fs/promises'
import { command } from '../../base/command.ts'
import { UserError } from '../../base/errors.ts'
import { terminalLine } from '../../base/terminal-text.ts'
import { userEnvironment } from '../../config/environment.ts'
import { imageAdditions } from '../../config/image-additions.ts'
import { demoFolder } from '../../config/paths.ts'
import type { ServiceBuild } from '../../images/service-image.ts'
import { whyBusy } from '../../stack/activity.ts'
import type { Additions } from '../../stack/additions/additions.ts'
import { withPrograms } from '../../stack/additions/when-filtered.ts'
import { ensureAuthorities } from '../../stack/authorities.ts'
import type { CredentialMode } from '../../stack/credential.ts'
import { mayBeElsewhere, refuseOtherFileSystem } from '../../stack/engine-view.ts'
import { inspectStack, type StackState } from '../../stack/inspect.ts'
import { withdrawAppeared } from '../../stack/protection.ts'
import type { AgentService } from '../../stack/services.ts'
import { startStack } from '../../stack/start.ts'
import { withLock } from '../../stack/state/lock.ts'
import { makeStateFolder, stateFolder } from '../../stack/state/state-folder.ts'
import { forgetSecretsIfGone } from '../../stack/stop.ts'
import { volumesOf } from '../../stack/volumes.ts'
import { copyContainer } from '../../stack/workspace-copy.ts'
import type { OpenedWorkspace } from '../../workspace/workspace.ts'
import { customise, refuseAdditionsOfAgent, runSetupCommands } from '../additions/customise.ts'
import { ensureServiceImages } from '../additions/services.ts'
import type { Context } from '../context.ts'
import { ensureImages } from '../images.ts'
import { forbiddenPlaces, type StackWorkspace } from '../workspace-here.ts'
import { announce, announceParent } from './announce.ts'
import { checkConfiguration, mayFallBack, refuseFallback } from './check-configuration.ts'
import {
  type CopyOptions,
  confirmDiscard,
  copyIn,
  leaveCopy,
  refuseChangedCopy,
} from './copy-in.ts'
import { openStack } from './open-stack.ts'
import { stackNetwork, warnAboutCollisions } from './stack-network.ts'
import { type StartEffects, type StartedStack, startWorkflow } from './start-workflow.ts'

export type BringUpOptions = CopyOptions & {
  /** Overrides the settings: `login`, or `rehearsal` for the demo. */
  mode?: CredentialMode
  agents: readonly AgentService[]
  /** Prepares the copy in this container, before setup commands and any agent; also one that was kept. */
  prepareCopy?: (container: string) => Promise<void>
}

/** Starts a stack on this host, for the folder that it works in. */
export function bringUp(
  context: Context,
  opened: StackWorkspace,
  options: BringUpOptions,
): Promise<StartedStack> {
  return startWorkflow(startEffects(context, opened, options))
}

function startEffects(
  context: Context,
  opened: StackWorkspace,
  options: BringUpOptions,
): StartEffects {
  const { engine, docker, log, signal, settings, root, engineMajor } = context
  const { agents } = options
  const { workspace } = opened
  const { name } = opened.identity
  let builds: readonly ServiceBuild[] = []
  const inspect = () => inspectStack(engine, name)
  const refuse = async (before: StackState | null) => {
    const mode = options.mode ?? (await keptRehearsal(context, workspace, before))
    if (mode === undefined) refuseFallback(context, before)
  }
  return {
    checkConfiguration: () => checkConfiguration(settings, { root, stack: name }, options.mode),
    async refuseLogin() {
      // The engine is asked only where its answer may refuse the start.
      if (options.mode === undefined && mayFallBack(settings)) await refuse(await inspect())
    },
    async customise() {
      // Before the files of the folder are read: a person is not asked about those of an agent.
      for (const text of await withdrawAppeared(stateFolder(name))) log({ kind: 'warn', text })
      const { additions, builds: wanted } = await customise(context, opened, {
        // The demo shows the stack itself, and asks nothing.
        services: options.mode !== 'rehearsal',
      })
      builds = wanted
      return additions
    },
    refuseAdditionsOfAgent({ declared }) {
      const additions = imageAdditions(settings)
      refuseAdditionsOfAgent(additions, workspace.path)
      for (const { source, writable } of declared) {
        if (writable) refuseAdditionsOfAgent(additions, source)
      }
    },
    withLock: body => withLock(name, { log, signal }, body),
    ensureImages: () => ensureImages({ ...context, client: docker, network: userEnvironment() }),
    inspect,
    async refuseOtherMode(before) {
      // Again under the lock: another start may have given the stack a credential.
      await refuse(before)
      await refuseOtherMode(context, workspace, before)
    },
    confirmDiscard: async () =>
      options.freshCopy || options.mount
        ? confirmDiscard(context, { name, before: await inspect() }, options)
        : null,
    refuseChangedCopy: (before, agreed) =>
      refuseChangedCopy(context, { name, before }, { ...options, agreed }),
    async openStack(images, added, before) {
      const mode = options.mode ?? (await keptRehearsal(context, workspace, before))
      await ensureServiceImages(context, builds, images.base)
      const volumes = await volumesOf(engine, name)
      const forbidden = forbiddenPlaces(context, workspace)
      const given = {
        ...opened,
        forbidden,
        running: before,
        volumes,
        settings,
        images,
        root,
        engineMajor,
        engineKind: docker.kind,
        log,
        calledAs: context.calledAs,
      }
      if (await mayBeElsewhere(userEnvironment().DOCKER_HOST)) {
        await makeStateFolder(stateFolder(name))
        await refuseOtherFileSystem(docker, {
          image: images.proxy,
          scratch: stateFolder(name).path,
          folders: [root, ...(workspace.mode === 'mount' ? [workspace.path] : [])],
          where: context.found.dockerHost,
          signal,
        })
      }
      const extra = settings.EXTRA_CA_CERTS
      const authorities = async (folder: string) => {
        const wanted = { image: images.agent, extra: extra ?? '', folder, signal }
        return ensureAuthorities(docker, wanted)
      }
      return openStack({
        ...given,
        additions: await withServicePrograms(engine, added),
        network: await stackNetwork(engine, name, settings),
        ...(mode && { mode }),
        ...(extra && { authorities }),
      })
    },
    startStack: (stack, before) =>
      startStack({ engine, docker, log, signal }, stack, before, agents),
    forgetSecrets: () => forgetSecretsIfGone(engine, name),
    async announce(stack, outcome) {
      await announce(log, stack, outcome)
      await announceParent(context, stack, outcome)
      if (outcome === 'started') await warnAboutCollisions(engine, name, log)
    },
    leaveCopy: (stack, state) => leaveCopy(context, stack, state, options),
    async copyIn(stack, state) {
      await copyIn(context, stack, state, options)
      const container = copyContainer(state)
      if (container !== null) await options.prepareCopy?.(container)
    },
    runSetupCommands: (state, { setupCommands }) =>
      runSetupCommands(context, state, agents, setupCommands),
  }
}

/**
 * Keeps a demo's stack on its scripted model until a credential replaces it, even after a stop: its user
 * does not expect a login to Anthropic.
 */
async function keptRehearsal(
  { settings }: Context,
  workspace: OpenedWorkspace,
  before: StackState | null,
) {
  if (!mayFallBack(settings)) return undefined
  const isDemo = workspace.path === (await realpath(demoFolder()).catch(() => null))
  return isDemo || before?.credentials === 'rehearsal' ? ('rehearsal' as const) : undefined
}

/** Refuses a change of mode: a stack on a copy must not silently start to write to the folder itself. */
async function refuseOtherMode(
  { engine }: Context,
  workspace: OpenedWorkspace,
  before: StackState | null,
) {
  if (!before || before.workspaceMode === workspace.mode) return
  if (!(await whyBusy(engine, before))) return
  throw new UserError(
    `${terminalLine(workspace.path)} has an open session in ${before.workspaceMode} mode, and this start asks for ${workspace.mode} mode`,
    { hint: `end the session first, or run ${command('stop')}` },
  )
}

/** Returns the additions with what the images of their services run, which are built by now. */
async function withServicePrograms(
  engine: Context['engine'],
  additions: Additions,
): Promise<Additions> {
  if (!additions.services) return additions
  const added = await withPrograms(engine, additions.services.added)
  return { ...additions, services: { ...additions.services, added } }
}
