import type { Log } from '../../base/log.ts'
import { userEnvironment } from '../../config/environment.ts'
import { readParentProxy } from '../../config/parent-proxy.ts'
import type { Settings } from '../../config/settings.ts'
import type { VolumeSummary } from '../../engine/engine.ts'
import type { ImageSet } from '../../images/image-tags.ts'
import { writeAccountFiles, writeResolverFile } from '../../stack/accounts.ts'
import { type Additions, writeAdditionFiles } from '../../stack/additions/additions.ts'
import { writeGitBroker } from '../../stack/additions/git-broker.ts'
import type { AuthorityFiles } from '../../stack/authorities.ts'
import { type CredentialMode, credentialFile, credentialMode } from '../../stack/credential.ts'
import type { StackIdentity } from '../../stack/identity.ts'
import type { StackState } from '../../stack/inspect.ts'
import { hostAuthorities, writeParentFolder } from '../../stack/parent-proxy.ts'
import { overlaysOf } from '../../stack/protection.ts'
import { repositoryOf } from '../../stack/repository.ts'
import { readServiceAccount } from '../../stack/service-account.ts'
import type { Stack } from '../../stack/stack.ts'
import { readCredential, writeCredential } from '../../stack/state/credential-file.ts'
import { writeMeterKey } from '../../stack/state/meter-key.ts'
import { claimState } from '../../stack/state/owner.ts'
import {
  makePolicyFolder,
  makeStateFolder,
  makeUsageFolder,
  stateFolder,
} from '../../stack/state/state-folder.ts'
import { refuseOtherVolumes } from '../../stack/volumes.ts'
import type { OpenedWorkspace } from '../../workspace/workspace.ts'
import { gitAccess } from './git-access.ts'
import type { StackNetworkOptions } from './stack-network.ts'

/** The gateway's user when we are root: unused on the host and in the image. */
const gatewayUser = { uid: 10001, gid: 10001 }

/**
 * Assembles the description of a stack, and writes the credential for its gateway. Call it under the
 * stack's lock.
 */
export async function openStack(options: {
  identity: StackIdentity
  workspace: OpenedWorkspace
  /** The stack's containers; null without any. */
  running: StackState | null
  /** The engine's volumes of this stack's name. */
  volumes: readonly VolumeSummary[]
  settings: Settings
  images: Pick<ImageSet, 'agent' | 'gateway' | 'proxy'>
  root: string
  engineMajor: number
  engineKind?: 'docker' | 'podman'
  additions?: Additions
  /** Host paths that a repository outside the workspace must not hold. */
  forbidden: readonly string[]
  network?: StackNetworkOptions
  /** Makes EXTRA_CA_CERTS ready for the agent's programs. */
  authorities?: (folder: string) => Promise<AuthorityFiles>
  log: Log
  /** How the user calls claude-secure. */
  calledAs?: string | undefined
  /** Overrides the settings: `login`, or `rehearsal` for the demo. */
  mode?: CredentialMode
}): Promise<Stack> {
  const { identity, workspace, settings, images, root, engineMajor, forbidden } = options
  const mode = options.mode ?? credentialMode(settings)
  const account =
    mode === 'vertex'
      ? await readServiceAccount(settings.GOOGLE_APPLICATION_CREDENTIALS ?? '')
      : null
  const state = stateFolder(identity.name)
  await makeStateFolder(state)
  refuseOtherVolumes(identity, options.volumes)
  await claimState(identity, state, options.running)
  const repositories = mode === 'rehearsal' ? [] : (options.additions?.repositories ?? [])
  const credential = {
    ...credentialFile(mode, settings, await readCredential(state), account),
    git: await gitAccess(repositories, options.log),
  }
  const user = ownIdentity() ?? gatewayUser
  await writeCredential(state, credential, user)
  await writeMeterKey(state.meterKey, credential.meterKey, workspace.agent)
  await makeUsageFolder(state, user)
  await makePolicyFolder(state)
  const env = userEnvironment()
  const parent = await readParentProxy(settings, env)
  if (parent) {
    const authorities = await hostAuthorities(parent, env, settings.EXTRA_CA_CERTS)
    await writeParentFolder(state.parent, parent, { reader: user, authorities })
  }
  const files = await options.authorities?.(state.authorities)
  await writeAccountFiles(workspace.agent, state)
  await writeResolverFile(state)
  if (options.additions) {
    await writeAdditionFiles(state, options.additions, workspace.agent)
    await writeGitBroker(state, repositories, credential)
  }
  return {
    identity,
    workspace,
    settings,
    mode,
    placeholder: credential,
    images: { claude: images.agent, gateway: images.gateway, proxy: images.proxy },
    state,
    overlays: await overlaysOf(workspace, settings),
    repository: await repositoryOf(workspace, { forbidden, settings }),
    forbidden,
    ...(options.additions && { additions: options.additions }),
    root,
    engineMajor,
    ...(options.engineKind && { engineKind: options.engineKind }),
    gatewayUser: user,
    ...options.network,
    ...(options.calledAs !== undefined && { calledAs: options.calledAs }),
    ...(parent && { parent }),
    ...(files && { authorities: files }),
  }
}

/** Returns our own uid and gid, unless we are root: only root can change the owner of a file. */
function ownIdentity() {
  const uid = process.getuid?.() ?? 0
  return uid === 0 ? null : { uid, gid: process.getgid?.() ?? uid }
}
