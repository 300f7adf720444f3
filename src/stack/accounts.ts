import { join } from 'node:path'
import { replaceFile } from '../files/replace-file.ts'
import type { OpenedWorkspace } from '../workspace/workspace.ts'
import type { StateFolder } from './state/state-folder.ts'

/** The agent's uid and gid in the image. */
const built = { uid: 1000, gid: 1000 }

export type AccountFile = { source: string; target: '/etc/passwd' | '/etc/group' }

/**
 * Returns an /etc/passwd and /etc/group that name the workspace's owner `claude`: ssh, npm and others
 * fail when the uid has no name. Empty when the image's own files suffice.
 */
export function accountFiles(agent: OpenedWorkspace['agent'], state: StateFolder): AccountFile[] {
  if (agent.uid === built.uid && agent.gid === built.gid) return []
  return [
    { source: join(state.path, 'passwd'), target: '/etc/passwd' },
    { source: join(state.path, 'group'), target: '/etc/group' },
  ]
}

export async function writeAccountFiles(agent: OpenedWorkspace['agent'], state: StateFolder) {
  const contents = { '/etc/passwd': renderPasswd(agent), '/etc/group': renderGroup(agent) }
  for (const { source, target } of accountFiles(agent, state)) {
    await replaceFile(source, contents[target], { mode: 0o644 })
  }
}

export function renderPasswd({ uid, gid }: OpenedWorkspace['agent']): string {
  return [
    'root:x:0:0:root:/root:/usr/sbin/nologin',
    'nobody:x:65534:65534:nobody:/nonexistent:/usr/sbin/nologin',
    `claude:x:${uid}:${gid}:Claude:/home/claude:/bin/bash`,
    '',
  ].join('\n')
}

export function renderGroup({ gid }: OpenedWorkspace['agent']): string {
  return ['root:x:0:', 'nogroup:x:65534:', `claude:x:${gid}:`, ''].join('\n')
}

/**
 * Docker's own resolver answers for the stack's names. A name that it refuses is then asked of
 * `claude-secure-names`, which notes it.
 */
export const resolvConf =
  'nameserver 127.0.0.11\nnameserver 127.0.0.1\noptions ndots:0 timeout:1 attempts:1\n'

/** Returns the agent's /etc/resolv.conf. Podman's resolver has another address: there the engine's own stays. */
export function resolverFiles(engine: 'docker' | 'podman', state: StateFolder) {
  if (engine === 'podman') return []
  return [{ source: join(state.path, 'resolv.conf'), target: '/etc/resolv.conf' }]
}

export async function writeResolverFile(state: StateFolder) {
  await replaceFile(join(state.path, 'resolv.conf'), resolvConf, { mode: 0o644 })
}
