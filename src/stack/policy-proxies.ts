import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import type { PolicyFile } from '../egress/plan-edit.ts'
import { parsePolicyEvent } from '../egress/proxy-log.ts'
import type { Engine } from '../engine/engine.ts'
import type { DockerClient } from '../engine/find-client.ts'
import { confined } from '../engine/throwaway-container.ts'
import { exec } from '../process/exec.ts'
import { composeLabels, labels } from './labels.ts'
import { serviceOfEgress } from './services.ts'

/** A running proxy that enforces the squid.conf of a checkout. */
export type PolicyProxy = {
  stack: string
  workspace: string
  container: string
  /** False for a proxy that started before there were grants: it neither reads nor checks them. */
  readsGrants: boolean
}

const mountedFolder = '/etc/claude-secure/proxy'
const mountedGrants = '/etc/claude-secure/folder'
const checker = '/usr/local/lib/claude-secure/check-policy'

/** Returns all proxies of a checkout: its stacks share one policy, so each must check and load it. */
export async function policyProxies(engine: Engine, root: string): Promise<PolicyProxy[]> {
  const source = join(root, 'proxy')
  const containers = await engine.containers([
    labels.stack,
    `${composeLabels.service}=${serviceOfEgress}`,
  ])
  return containers
    .filter(({ State }) => State === 'running')
    .filter(({ Mounts }) =>
      Mounts?.some(mount => mount.Destination === mountedFolder && mount.Source === source),
    )
    .map(({ Id, Labels, Mounts }) => ({
      stack: Labels[labels.stack] ?? '',
      workspace: Labels[labels.workspace] ?? '',
      container: Id,
      readsGrants: Mounts?.some(({ Destination }) => Destination === mountedGrants) ?? false,
    }))
}

/** Squid's verdict on a policy; `unable` when the image predates this check. */
export type PolicyJudgement =
  | { verdict: 'accepted' | 'unable' }
  | { verdict: 'refused'; reason: string }

const checkTimeout = 20_000

/** Checks one file of a policy with the Squid of a running proxy, which keeps its present policy. */
export function judgeInProxy(
  docker: DockerClient,
  container: string,
  text: string,
  file: PolicyFile = 'conf',
) {
  return judge(docker, ['exec', '--interactive', container, checker, file], text)
}

/** Checks a policy with Squid in a temporary container. */
export function judgeInImage(docker: DockerClient, image: string, text: string) {
  // The checker writes its input to a file, and Squid writes files of its own.
  const args = ['run', ...confined, '--interactive', '--tmpfs', '/tmp', '--tmpfs', '/run']
  return judge(docker, [...args, '--entrypoint', checker, image], text)
}

async function judge(
  docker: DockerClient,
  args: readonly string[],
  text: string,
): Promise<PolicyJudgement> {
  const { code, stdout } = await exec(docker.file, args, {
    env: docker.env,
    input: text,
    timeout: checkTimeout,
  })
  if (code === 0) return { verdict: 'accepted' }
  const reason = stdout.trim()
  return code === 1 && reason ? { verdict: 'refused', reason } : { verdict: 'unable' }
}

/** The result of loading a new policy; `silent` when the proxy did not report one in time. */
export type PolicyOutcome = 'loaded' | 'silent' | { refused: string }

const digestOf = { conf: 'digest', checkout: 'checkout', here: 'here' } as const

/** Waits until a proxy reports that it loaded or refused the files with these digests. */
export async function policyOutcome(
  engine: Engine,
  { container }: PolicyProxy,
  options: { digests: Partial<Record<PolicyFile, string>>; since: Date; patience: number },
): Promise<PolicyOutcome> {
  const wanted = Object.entries(options.digests) as [PolicyFile, string][]
  const found = new AbortController()
  let outcome: PolicyOutcome = 'silent'
  const log = { tail: 'all', follow: true, since: options.since.getTime() / 1000 } as const
  const reading = engine.followLog(container, { ...log, signal: found.signal }, line => {
    const event = parsePolicyEvent(line)
    if (!event || !wanted.every(([file, digest]) => event[digestOf[file]] === digest)) return
    outcome = event.event === 'policy-loaded' ? 'loaded' : { refused: event.text }
    found.abort()
  })
  const late = sleep(options.patience, undefined, { signal: found.signal }).catch(() => {})
  await Promise.race([reading, late])
  found.abort()
  await reading.catch(() => {})
  return outcome
}

/** Has Squid check a squid.conf, in a running proxy of the checkout or else in the newest image; null without either. */
export async function askSquid(
  { engine, docker }: { engine: Engine; docker: DockerClient },
  root: string,
  text: string,
): Promise<PolicyJudgement | null> {
  const [proxy] = await policyProxies(engine, root)
  if (proxy) return judgeInProxy(docker, proxy.container, text)
  const image = await newestProxyImage(engine)
  return image === undefined ? null : judgeInImage(docker, image, text)
}

export async function newestProxyImage(engine: Engine): Promise<string | undefined> {
  const images = await engine.images('claude-secure/proxy')
  return images.toSorted((a, b) => b.Created - a.Created)[0]?.RepoTags?.[0]
}
