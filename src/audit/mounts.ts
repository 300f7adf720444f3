import { stat } from 'node:fs/promises'
import { isWithin } from '../files/within.ts'
import type { DeclaredMount } from '../stack/additions/declared-mounts.ts'
import type { InspectedContainer } from './inspections.ts'

export type InspectedMount = InspectedContainer['Mounts'][number]

/** What a service has from outside of its image, by where it is seen. */
type Design = { target: RegExp; type: 'bind' | 'volume'; writable: boolean }

const bind = (target: RegExp): Design => ({ target, type: 'bind', writable: false })
const extraAuthorities = bind(/^\/etc\/claude-secure\/extra-ca\.pem$/)

const agent: Design[] = [
  { target: /^\/home\/claude$/, type: 'volume', writable: true },
  { target: /^\/workspace$/, type: 'volume', writable: true },
  { target: /^\/workspace$/, type: 'bind', writable: true },
  bind(/^\/etc\/(passwd|group)$/),
  bind(/^\/etc\/claude-code\/managed-settings\.json$/),
  extraAuthorities,
  bind(/^\/etc\/claude-secure\/custom\/bin$/),
  bind(/^\/etc\/claude-secure\/append-system-prompt\.md$/),
  bind(/^\/etc\/claude-secure\/identity\.gitconfig$/),
  bind(/^\/etc\/claude-secure\/mcp\.json$/),
  bind(/^\/etc\/claude-secure\/ssh\/(id_[\w-]+(\.pub)?|known_hosts)$/),
  bind(/^\/etc\/ssh\/ssh_config\.d\/50-claude-secure\.conf$/),
]

const design: Record<string, Design[]> = {
  claude: agent,
  worker: agent,
  gateway: [
    bind(/^\/run\/secrets\/credential$/),
    { target: /^\/var\/lib\/claude-secure\/usage$/, type: 'bind', writable: true },
    extraAuthorities,
  ],
  proxy: [bind(/^\/etc\/claude-secure\/proxy$/)],
  rehearsal: [],
}

/** What is wrong with a service's mounts, one phrase for each. `workspace` is null in copy mode. */
export function strangeMounts(
  service: string,
  mounts: readonly InspectedMount[],
  workspace: string | null,
  declared: readonly DeclaredMount[] = [],
): string[] {
  return mounts.flatMap(mount => {
    const { Destination, Source, Type } = mount
    if (design[service] === agent && isPartOfWorkspace(mount, workspace)) return []
    if (isDeclared(service, mount, declared)) return []
    const known = (design[service] ?? []).filter(
      ({ target, type }) => type === Type && target.test(Destination),
    )
    if (known.length === 0) return [`${Type} of ${Source} at ${Destination}`]
    const atWorkspace = Destination === '/workspace'
    if (atWorkspace && Type === 'bind' && Source !== workspace) {
      return [`${Source} is at /workspace instead of ${workspace ?? 'a copy'}`]
    }
    // What the agent can write must not be what its guards read.
    if (!atWorkspace && workspace !== null && Type === 'bind' && isWithin(workspace, Source)) {
      return [`${Destination} is a part of the workspace`]
    }
    return []
  })
}

/** Mounts that can be written and should not be. Those of the workspace are for H1. */
export function writableMounts(
  service: string,
  mounts: readonly InspectedMount[],
  declared: readonly DeclaredMount[] = [],
): string[] {
  return mounts
    .filter(mount => !isDeclared(service, mount, declared))
    .filter(
      ({ Destination, RW }) =>
        RW && !(design[service] === agent && isWithin('/workspace', Destination)),
    )
    .filter(
      ({ Destination, Type }) =>
        !(design[service] ?? []).some(
          ({ target, type, writable }) => writable && type === Type && target.test(Destination),
        ),
    )
    .map(({ Destination }) => Destination)
}

/** What the user named in .env, where and how he named it. */
function isDeclared(
  service: string,
  { Destination, Source, Type, RW }: InspectedMount,
  declared: readonly DeclaredMount[],
) {
  return (
    design[service] === agent &&
    Type === 'bind' &&
    declared.some(
      ({ source, target, writable }) =>
        source === Source && target === Destination && (writable || !RW),
    )
  )
}

/** An overlay: a path of the workspace mounted onto itself. */
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

/** A mount that is, holds, or is called like a socket of a container engine. */
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
