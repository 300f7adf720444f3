import { realpathSync } from 'node:fs'
import { homedir } from 'node:os'
import { dirname, join } from 'node:path'
import { createProblems, UserError } from '../../base/errors.ts'
import { lastLine, terminalLine } from '../../base/terminal-text.ts'
import { parseCustomEnvironment } from '../../config/custom-environment.ts'
import { parseCustomMounts } from '../../config/custom-mounts.ts'
import { joinRepositories, parseGitRepositories } from '../../config/git-repositories.ts'
import type { ImageAdditions } from '../../config/image-additions.ts'
import { loadCustomSettings } from '../../config/load-settings.ts'
import { type McpServer, renderMcpConfig } from '../../config/mcp-servers.ts'
import { cacheRoot, customRoot, stateRoot } from '../../config/paths.ts'
import { workspaceConfigName } from '../../config/protected-names.ts'
import { secretSettings } from '../../config/secret-settings.ts'
import type { Settings } from '../../config/settings.ts'
import { mountsOf, repositoriesOf } from '../../config/workspace-requests.ts'
import { overlaps } from '../../files/beneath.ts'
import { listAdditions } from '../../images/additions.ts'
import type { ServiceBuild } from '../../images/service-image.ts'
import { exec } from '../../process/exec.ts'
import { readHardening } from '../../stack/additions/added-service.ts'
import {
  type Additions,
  additionTargets,
  findAdditionsFolder,
  findBin,
  type GeneratedFile,
} from '../../stack/additions/additions.ts'
import { readAlwaysSkills } from '../../stack/additions/always-skills.ts'
import { contentHash } from '../../stack/additions/consent.ts'
import { resolveMounts } from '../../stack/additions/declared-mounts.ts'
import { findGitIdentity, renderGitIdentity } from '../../stack/additions/git.ts'
import type { OwnPlace } from '../../stack/additions/sensitive-paths.ts'
import { readSshKeys } from '../../stack/additions/ssh-keys.ts'
import { type StackState, serviceOf } from '../../stack/inspect.ts'
import type { AgentService } from '../../stack/services.ts'
import { stateFolder } from '../../stack/state/state-folder.ts'
import { locateRepository } from '../../workspace/repository/locate.ts'
import type { OpenedWorkspace } from '../../workspace/workspace.ts'
import type { Context } from '../context.ts'
import { openNames, readPolicyLists } from '../policy/policy-files.ts'
import { ownPlaces, type StackWorkspace, secretFiles } from '../workspace-here.ts'
import { allowedServers } from './mcp-servers.ts'
import { offerSkills } from './offer-skills.ts'
import { consentedServices, findServices, tagServices } from './services.ts'
import { consentedConfig, variablesOf, withoutMissing } from './workspace-config.ts'

/** Timeout in milliseconds (10 min): a setup command downloads and builds. */
const longest = 600_000

/**
 * Runs the workspace configuration's setup commands as the agent, in its container, once per container.
 * A failure is logged and the remaining commands still run, because the agent can repair it.
 */
export async function runSetupCommands(
  { docker, log, signal }: Pick<Context, 'docker' | 'log' | 'signal'>,
  state: StackState,
  agents: readonly AgentService[],
  commands: readonly string[],
) {
  if (commands.length === 0) return
  const mark = `/run/claude-secure-setup-${contentHash(JSON.stringify(commands)).slice(0, 16)}`
  for (const name of agents) {
    const service = serviceOf(state, name)
    if (!service) continue
    const inside = (command: readonly string[]) =>
      exec(docker.file, ['exec', '--workdir', '/workspace', service.container, ...command], {
        env: docker.env,
        timeout: longest,
        signal,
      })
    if ((await inside(['test', '-e', mark])).code === 0) continue
    for (const command of commands) {
      log({ kind: 'info', text: `${name}: ${terminalLine(command)}` })
      const { code, stderr } = await inside(['bash', '-c', command])
      if (code === 0) continue
      const said = lastLine(stderr)
      log({
        kind: 'warn',
        text: `the setup command failed with exit code ${code}${said && `: ${said}`}`,
      })
    }
    await inside(['touch', mark])
  }
}

/** Collects and checks the user's additions to the agent's containers, before anything is created. */
export async function customise(
  context: Context,
  { identity, workspace }: StackWorkspace,
  wanted: { services: boolean },
): Promise<{ additions: Additions; builds: readonly ServiceBuild[] }> {
  const { root, settings } = context
  const custom = await loadCustomSettings(root, undefined, stateFolder(identity.name).settings)
  const secrets = secretSettings.flatMap(name => settings[name] ?? [])
  const own = parseCustomEnvironment(custom.environment, secrets)
  const state = stateFolder(identity.name)
  const found = await consentedConfig(context, workspace, state)
  const problems = createProblems()
  const ofFolder = await problems.attempt(() =>
    parseCustomEnvironment(
      found?.variables ?? {},
      secrets,
      `${found?.name ?? workspaceConfigName}: environment.`,
    ),
  )
  const declared = await problems.attempt(async () =>
    resolveMounts(
      await withoutMissing(
        context.log,
        found,
        parseCustomMounts(custom.mounts, found ? mountsOf(found.config, found.name) : []),
      ),
      await placesOf(context, workspace),
    ),
  )
  problems.throwIfAny()
  const places = {
    claude: join(homedir(), '.claude'),
    additions: customRoot(settings),
    state: stateRoot(),
  }
  // Judged first: the agent must not be able to write where skills are copied.
  const before = await customFolder(context, workspace)
  const copied = await offerSkills(context, places)
  const folder = copied ? await customFolder(context, workspace) : before
  const mcp = await allowedServers(context, workspace, state)
  const environment = {
    ...(found && variablesOf(found.config)),
    ...ofFolder,
    ...own,
  }
  const services = wanted.services ? await findServices(context, folder) : null
  const beside = await consentedServices(context, services, state)
  const { added, builds } = await tagServices(context, beside)
  const additions: Additions = {
    environment,
    unanswered: mcp.unanswered,
    setupCommands: found?.config.setupCommands ?? [],
    gitHosts: openNames(readPolicyLists(root, state), new Date()).map(({ name }) => name),
    repositories: joinRepositories([
      ...(parseGitRepositories(settings.GIT_REPOSITORIES) ?? []),
      ...(found ? repositoriesOf(found.config) : []),
    ]),
    declared: declared ?? [],
    ...(added.length > 0 && { services: { added, hardening: await readHardening(root) } }),
    folders: await customFolders(folder, workspace),
    files: [
      ...(await skillFile(folder)),
      ...(await identityFile(settings)),
      mcpFile(mcp.servers),
      ...(settings.SSH_DIR
        ? await readSshKeys(settings.SSH_DIR, await placesOf(context, workspace))
        : []),
    ],
  }
  return { additions, builds }
}

function customFolder({ root, found, settings }: Context, workspace: OpenedWorkspace) {
  const { socket } = ownPlaces({ root, found, settings })
  return findAdditionsFolder(customRoot(settings), {
    named: settings.CUSTOM_DIR !== undefined,
    // An agent that can write there would choose the contents of its next container.
    own: [
      ...claudeSecureItself(root),
      { path: workspace.path, what: 'a part of the workspace' },
      ...(socket ? [{ path: socket, what: 'the socket of the container engine' }] : []),
    ],
  })
}

async function customFolders(folder: string | null, { agent }: OpenedWorkspace) {
  const bin = folder && (await findBin(folder, agent))
  return bin ? [{ source: bin, target: additionTargets.bin }] : []
}

async function skillFile(folder: string | null): Promise<GeneratedFile[]> {
  const text = folder && (await readAlwaysSkills(folder))
  if (!text) return []
  return [{ name: 'append-system-prompt.md', target: additionTargets.systemPrompt, text }]
}

/** Returned without servers too, so that servers named by the folder or the agent are not started either. */
function mcpFile(servers: readonly McpServer[]): GeneratedFile {
  return { name: 'mcp.json', target: additionTargets.mcpServers, text: renderMcpConfig(servers) }
}

async function identityFile({ GIT_IDENTITY }: Settings): Promise<GeneratedFile[]> {
  const identity = await findGitIdentity(GIT_IDENTITY)
  if (!identity) return []
  const text = renderGitIdentity(identity)
  return [{ name: 'identity.gitconfig', target: additionTargets.gitIdentity, text }]
}

/** Returns the host paths that must not be mounted: write access to one of them breaks the confinement. */
async function placesOf(context: Context, workspace: OpenedWorkspace): Promise<OwnPlace[]> {
  const { socket } = ownPlaces(context)
  const repository = await locateRepository(workspace.path)
  return [
    ...claudeSecureItself(context.root),
    // Its files are built into the image as root, or read by the build.
    { path: customRoot(context.settings), what: 'your own additions' },
    // A second mount of the workspace would bypass the overlays, or the copy.
    { path: workspace.path, what: 'a part of the workspace' },
    ...(socket ? [{ path: socket, what: 'the socket of the container engine' }] : []),
    ...secretFiles(context.settings),
    // Writable, its hooks and configuration would be open beside their read-only mounts.
    ...(repository.kind === 'elsewhere'
      ? [{ path: repository.common, what: 'the repository of the workspace', ifWritable: true }]
      : []),
  ]
}

function claudeSecureItself(root: string): OwnPlace[] {
  return [
    { path: root, what: 'claude-secure itself' },
    { path: stateRoot(), what: 'the state of claude-secure' },
    { path: cacheRoot(), what: 'the downloads of claude-secure' },
  ]
}

/**
 * Refuses image additions that the agent can write: their build steps run as root, with the host's
 * network. `writable` is a resolved path: the agent's workspace, or a folder mounted for it.
 */
export function refuseAdditionsOfAgent(additions: ImageAdditions, writable: string): void {
  const { scripts, context } = listAdditions(additions)
  const folders = [
    ...(scripts.length > 0 ? [additions.scripts] : []),
    ...(context ? [dirname(additions.dockerfile)] : []),
  ]
  for (const folder of folders) {
    const path = realpathSync(folder)
    if (!overlaps(path, writable)) continue
    throw new UserError(
      `${terminalLine(folder)} is built into the image, but the agent can change it through ${terminalLine(writable)}`,
      {
        hint: 'move your additions out of the workspace and of mounted folders (CUSTOM_DIR, DOCKERFILE in .env)',
      },
    )
  }
}
