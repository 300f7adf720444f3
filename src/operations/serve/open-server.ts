import { randomBytes } from 'node:crypto'
import { join } from 'node:path'
import { userEnvironment } from '../../config/environment.ts'
import { readParentProxy } from '../../config/parent-proxy.ts'
import type { ServerMode } from '../../config/server-modes.ts'
import type { Tenant } from '../../config/tenants.ts'
import { readRegularFile } from '../../files/regular-file.ts'
import { replaceFile } from '../../files/replace-file.ts'
import type { ImageSet } from '../../images/image-tags.ts'
import { writeAccountFiles, writeResolverFile } from '../../stack/accounts.ts'
import { ensureAuthorities } from '../../stack/authorities.ts'
import { type CredentialMode, credentialFile, tenantCallers } from '../../stack/credential.ts'
import { mayBeElsewhere, refuseOtherFileSystem } from '../../stack/engine-view.ts'
import type { StackIdentity } from '../../stack/identity.ts'
import type { StackState } from '../../stack/inspect.ts'
import { hostAuthorities, writeParentFolder } from '../../stack/parent-proxy.ts'
import {
  makeGrantsFolder,
  makeRunnerTokens,
  makeServerFolders,
  serverFolder,
  writeServerFile,
} from '../../stack/server/server-folder.ts'
import {
  networksOfServer,
  presentTenants,
  type ServerStack,
} from '../../stack/server/server-stack.ts'
import { readServiceAccount } from '../../stack/service-account.ts'
import { readCredential, writeCredential } from '../../stack/state/credential-file.ts'
import { claimState } from '../../stack/state/owner.ts'
import {
  makePolicyFolder,
  makeStateFolder,
  makeUsageFolder,
  stateFolder,
} from '../../stack/state/state-folder.ts'
import { refuseOtherVolumes, volumesOf } from '../../stack/volumes.ts'
import type { Context } from '../context.ts'
import { stackNetwork } from '../start/stack-network.ts'
import { ownPlaces } from '../workspace-here.ts'
import { refuseOpenAddress } from './open-address.ts'
import { schedulesFolder } from './schedules-folder.ts'
import {
  hashToken,
  refuseShared,
  type TokenPlace,
  tokensInForce,
  writeTokens,
} from './stored-tokens.ts'
import { openTelegramParts } from './telegram-parts.ts'
import { makeTenantFolders, openWorkspaces, workspacesPath } from './workspaces-folder.ts'

export type OpenServerOptions = {
  identity: StackIdentity
  mode: CredentialMode
  tenants: readonly Tenant[]
  images: ImageSet
  modes: readonly ServerMode[]
  withoutToken: boolean
  running: StackState | null
  /** Asks for the token of the Telegram bot; null without a terminal, or without an answer. */
  askBotToken: () => Promise<string | null>
}

/** Assembles the description of the server's stack, and writes its files. Call it under the stack's lock. */
export async function openServer(
  context: Context,
  options: OpenServerOptions,
): Promise<{ stack: ServerStack; place: TokenPlace }> {
  const { settings, root, engine, docker, engineMajor, signal } = context
  const { identity, mode, modes, tenants, images, withoutToken, running } = options
  const env = userEnvironment()
  const state = stateFolder(identity.name)
  const folder = serverFolder(state)
  await makeStateFolder(state)
  refuseOtherVolumes(identity, await volumesOf(engine, identity.name))
  await claimState(identity, state, running)
  const { tokens, place, own } = await tokensInForce(folder, { settings, tenants, withoutToken })
  const telegram = modes.includes('telegram')
    ? await openTelegramParts(context, { folder, mode, ask: options.askBotToken })
    : null
  refuseShared(tokens, mode, settings, telegram?.people)
  refuseOpenAddress(settings, place)
  const workspaces = await openWorkspaces(workspacesPath(settings, env), ownPlaces(context), env)
  const { user } = workspaces
  const present = presentTenants({ tenants })
  await makeTenantFolders(workspaces, present)
  if (await mayBeElsewhere(env.DOCKER_HOST)) {
    await refuseOtherFileSystem(docker, {
      image: images.proxy,
      scratch: state.path,
      folders: [root, workspaces.path],
      where: context.found.dockerHost,
      signal,
    })
  }
  const account =
    mode === 'vertex'
      ? await readServiceAccount(settings.GOOGLE_APPLICATION_CREDENTIALS ?? '')
      : null
  const previous = await readCredential(state)
  const base = credentialFile(mode, settings, previous, account)
  const all = present.map(name => tenants.find(t => t.name === name) ?? { name, budget: {} })
  const callers = tenantCallers(all, base, previous)
  await writeCredential(state, { ...base, callers }, user)
  await makeUsageFolder(state, user)
  await makePolicyFolder(state)
  await makeServerFolders(folder, user)
  await makeGrantsFolder(folder, user)
  await makeRunnerTokens(folder, present, user)
  for (const { tenant, meterKey } of callers) {
    await writeServerFile(join(folder.meterKeys, tenant), meterKey, user)
  }
  const webhook = await readRegularFile(folder.webhookSecret, { limit: 1024 })
  if (webhook.kind !== 'bytes') {
    await writeServerFile(folder.webhookSecret, randomBytes(32).toString('hex'), user)
  }
  await writeServerFile(folder.tenants, `${JSON.stringify({ tenants }, null, 2)}\n`, user)
  await writeTokens(folder, tokens, user)
  if (telegram) await writeServerFile(folder.telegramToken, telegram.token, user)
  if (own !== null) await replaceFile(folder.ownToken, `${own}\n`)
  const parent = await readParentProxy(settings, env)
  if (parent) {
    const authorities = await hostAuthorities(parent, env, settings.EXTRA_CA_CERTS)
    await writeParentFolder(state.parent, parent, { reader: user, authorities })
  }
  await writeAccountFiles(user, state)
  await writeResolverFile(state)
  const extra = settings.EXTRA_CA_CERTS
  const authorities = extra
    ? await ensureAuthorities(docker, {
        image: images.agent,
        extra,
        folder: state.authorities,
        signal,
      })
    : null
  const stack: ServerStack = {
    identity,
    settings,
    mode,
    tenants,
    placeholders: Object.fromEntries(
      callers.map(({ tenant, placeholder }) => [tenant, placeholder]),
    ),
    placeholderKind: base.kind,
    user,
    workspaces: workspaces.path,
    images: {
      claude: images.agent,
      gateway: images.gateway,
      proxy: images.proxy,
      server: images.server,
    },
    state,
    modes,
    schedules: modes.includes('schedules') ? await schedulesFolder(settings) : null,
    telegram: telegram && {
      ...{ folder: telegram.folder, file: telegram.file, token: folder.telegramToken },
      people: telegram.limit,
      mark: hashToken(telegram.token).slice(0, 8),
    },
    bind: {
      address: settings.SERVER_BIND,
      port: Number(settings.SERVER_PORT),
      withoutToken: place.kind === 'none',
    },
    root,
    engineMajor,
    engineKind: docker.kind,
    ...(await stackNetwork(engine, identity.name, settings, networksOfServer({ tenants }))),
    ...(authorities && { authorities }),
    ...(context.calledAs !== undefined && { calledAs: context.calledAs }),
    ...(parent && { parent }),
  }
  return { stack, place }
}
