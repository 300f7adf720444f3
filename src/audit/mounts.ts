import { stat } from 'node:fs/promises'
import * as z from 'zod'
import { isWithin } from '../files/beneath.ts'
import type { DeclaredMount } from '../stack/additions/declared-mounts.ts'
import { labels } from '../stack/labels.ts'
import { isAdded, isAgent, tenantOf } from '../stack/services.ts'
import type { InspectedContainer } from './inspections.ts'

export type InspectedMount = InspectedContainer['Mounts'][number]

/** An expected mount of a service, by its target. */
type Design = { target: RegExp; type: 'bind' | 'volume'; writable: boolean }

const bind = (target: RegExp): Design => ({ target, type: 'bind', writable: false })
const extraAuthorities = bind(/^\/etc\/claude-secure\/extra-ca\.pem$/)

const agent: Design[] = [
  { target: /^\/home\/claude$/, type: 'volume', writable: true },
  { target: /^\/workspace$/, type: 'volume', writable: true },
  { target: /^\/workspace$/, type: 'bind', writable: true },
  bind(/^\/etc\/(passwd|group|resolv\.conf)$/),
  bind(/^\/etc\/claude-code\/managed-settings\.json$/),
  extraAuthorities,
  bind(/^\/etc\/ssl\/certs\/(ca-certificates\.crt|java\/cacerts)$/),
  bind(/^\/etc\/claude-secure\/custom\/bin$/),
  bind(/^\/etc\/claude-secure\/append-system-prompt\.md$/),
  bind(/^\/etc\/claude-secure\/identity\.gitconfig$/),
  bind(/^\/etc\/claude-secure\/(git|filter)$/),
  bind(/^\/etc\/claude-secure\/mcp\.json$/),
  bind(/^\/etc\/claude-secure\/ssh\/(id_[\w-]+(\.pub)?|known_hosts)$/),
  bind(/^\/etc\/ssh\/ssh_config\.d\/50-claude-secure\.conf$/),
]

const design: Record<string, Design[]> = {
  claude: agent,
  worker: [...agent, bind(/^\/run\/secrets\/meter-key$/)],
  gateway: [
    bind(/^\/run\/secrets\/credential$/),
    { target: /^\/var\/lib\/claude-secure\/usage$/, type: 'bind', writable: true },
    extraAuthorities,
  ],
  proxy: [bind(/^\/etc\/claude-secure\/(proxy|folder|parent|server-grants)$/)],
  rehearsal: [],
  ingress: [],
  server: [
    bind(/^\/etc\/claude-secure\/server$/),
    bind(/^\/etc\/claude-secure\/(schedules|telegram)$/),
    bind(/^\/run\/secrets\/(workers|webhook|telegram)$/),
    bind(/^\/var\/lib\/claude-secure\/usage$/),
    { target: /^\/var\/lib\/claude-secure\/server$/, type: 'bind', writable: true },
    { target: /^\/var\/lib\/claude-secure\/grants$/, type: 'bind', writable: true },
    { target: /^\/workspaces\/[a-z0-9-]+$/, type: 'bind', writable: true },
    { target: /^\/run\/claude-secure\/workers\/[a-z0-9-]+$/, type: 'volume', writable: false },
    extraAuthorities,
  ],
}

/** Those of the worker of a tenant. */
const ofTenant: Design[] = [
  ...agent.filter(({ target }) => !target.test('/workspace')),
  { target: /^\/workspaces$/, type: 'bind', writable: true },
  { target: /^\/run\/claude-secure$/, type: 'volume', writable: true },
  bind(/^\/run\/secrets\/(runner-token|meter-key)$/),
]

function designOf(service: string): readonly Design[] {
  if (tenantOf(service) !== null) return ofTenant
  return design[service] ?? (isAdded(service) ? added : [])
}

/** Mounts of a service beside the agent, without its data. */
const added = [bind(/^\/etc\/claude-secure\/filter$/)]

/** Describes unexpected mounts of a service, one phrase each. `workspace` is null in copy mode. */
export function unexpectedMounts(
  service: string,
  mounts: readonly InspectedMount[],
  workspace: string | null,
  declared: readonly DeclaredMount[] = [],
): string[] {
  return mounts.flatMap(mount => {
    const { Destination, Source, Type } = mount
    if (isAgent(service) && isPartOfWorkspace(mount, workspace)) return []
    if (isDeclared(service, mount, declared)) return []
    const known = designOf(service).filter(
      ({ target, type }) => type === Type && target.test(Destination),
    )
    if (known.length === 0) return [`${Type} of ${Source} at ${Destination}`]
    const atWorkspace = Destination === '/workspace'
    if (atWorkspace && Type === 'bind' && Source !== workspace) {
      return [`${Source} is at /workspace instead of ${workspace ?? 'a copy'}`]
    }
    // A service must not take its configuration from files that the agent can write.
    if (!atWorkspace && workspace !== null && Type === 'bind' && isWithin(workspace, Source)) {
      return [`${Destination} is part of the workspace`]
    }
    return []
  })
}

/** Returns mounts that are writable and should be read-only. H1 covers those of the workspace. */
export function writableMounts(
  service: string,
  mounts: readonly InspectedMount[],
  declared: readonly DeclaredMount[] = [],
): string[] {
  return mounts
    .filter(mount => !isDeclared(service, mount, declared))
    .filter(
      ({ Destination, RW }) => RW && !(isAgent(service) && isWithin('/workspace', Destination)),
    )
    .filter(
      ({ Destination, Type }) =>
        !designOf(service).some(
          ({ target, type, writable }) => writable && type === Type && target.test(Destination),
        ),
    )
    .map(({ Destination }) => Destination)
}

/** Returns whether the user declared the mount in .env, with this source and target. */
function isDeclared(
  service: string,
  { Destination, Source, Type, RW }: InspectedMount,
  declared: readonly DeclaredMount[],
) {
  return (
    isAgent(service) &&
    Type === 'bind' &&
    declared.some(
      ({ source, target, writable }) =>
        source === Source && target === Destination && (writable || !RW),
    )
  )
}

/** Returns whether the mount is an overlay: a path of the workspace mounted onto itself. */
function isPartOfWorkspace(
  { Destination, Source, Type }: InspectedMount,
  workspace: string | null,
) {
  const prefix = '/workspace/'
  return (
    workspace !== null &&
    Type === 'bind' &&
    Destination.startsWith(prefix) &&
    Source === `${workspace}/${Destination.slice(prefix.length)}`
  )
}

const socketNames = /(docker|containerd|podman|crio)[^/]*\.sock$/

/** Returns whether a mount is, contains, or is named like a socket of a container engine. */
export async function isEngineSocket(
  { Source, Destination }: Pick<InspectedMount, 'Source' | 'Destination'>,
  engine: { socketPath: string } | null,
): Promise<boolean> {
  if (socketNames.test(Source) || socketNames.test(Destination)) return true
  const status = await stat(Source).catch(() => null)
  if (status?.isSocket()) return true
  if (!engine) return false
  if (isWithin(Source, engine.socketPath)) return true
  const socket = await stat(engine.socketPath).catch(() => null)
  return (
    status !== null && socket !== null && status.dev === socket.dev && status.ino === socket.ino
  )
}

const Declared = z.array(
  z.strictObject({ source: z.string(), target: z.string(), writable: z.boolean() }),
)

/**
 * Returns the additional mounts that the user declared, as recorded by `start`. The label belongs to
 * the container and not to its processes, so no agent can change it. Returns none where the label is
 * unreadable, so that every mount counts as unexpected.
 */
export function declaredMounts({
  Config,
}: {
  Config: Pick<InspectedContainer['Config'], 'Labels'>
}): DeclaredMount[] {
  try {
    return Declared.parse(JSON.parse(Config.Labels?.[labels.mounts] ?? '[]'))
  } catch {
    return []
  }
}
