import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { parsePolicyEvent } from '../egress/proxy-log.ts'
import type { DockerClient } from '../engine/client-find.ts'
import type { Engine } from '../engine/engine.ts'
import { confined } from '../engine/throw-away.ts'
import { exec } from '../process/exec.ts'
import { labels } from './labels.ts'

/** A running proxy that enforces the squid.conf of a checkout. */
export type PolicyProxy = { stack: string; workspace: string; container: string }

const mountedFolder = '/etc/claude-secure/proxy'
const checker = '/usr/local/lib/claude-secure/check-policy'

/** All stacks of a checkout have one policy, so all their proxies are asked and told. */
export async function policyProxies(engine: Engine, root: string): Promise<PolicyProxy[]> {
  const source = join(root, 'proxy')
  const containers = await engine.containers([labels.stack, 'com.docker.compose.service=proxy'])
  return containers
    .filter(({ State }) => State === 'running')
    .filter(({ Mounts }) =>
      Mounts?.some(mount => mount.Destination === mountedFolder && mount.Source === source),
    )
    .map(({ Id, Labels }) => ({
      stack: Labels[labels.stack] ?? '',
      workspace: Labels[labels.workspace] ?? '',
      container: Id,
    }))
}

/**
 * What Squid says to a policy: `unable` where the image is of a time before this question could be
 * asked.
 */
export type PolicyJudgement =
  | { verdict: 'accepted' | 'unable' }
  | { verdict: 'refused'; reason: string }

const checkTimeout = 20_000

/** Asks the Squid of a running proxy, which goes on with the policy it has. */
export function judgeInProxy(docker: DockerClient, container: string, text: string) {
  return judge(docker, ['exec', '--interactive', container, checker], text)
}

/** Asks a Squid that lives only for this question. */
export function judgeInImage(docker: DockerClient, image: string, text: string) {
  // The checker writes what it is given to a file, and Squid its own.
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

/** How a proxy took a new policy; `silent` when it said nothing in time. */
export type PolicyOutcome = 'loaded' | 'silent' | { refused: string }

/** Waits until a proxy says of the file with this digest that it is in force, or that it is not. */
export async function policyOutcome(
  engine: Engine,
  { container }: PolicyProxy,
  options: { digest: string; since: Date; patience: number },
): Promise<PolicyOutcome> {
  const found = new AbortController()
  let outcome: PolicyOutcome = 'silent'
  const log = { tail: 'all', follow: true, since: options.since.getTime() / 1000 } as const
  const reading = engine.followLog(container, { ...log, signal: found.signal }, line => {
    const event = parsePolicyEvent(line)
    if (event?.digest !== options.digest) return
    outcome = event.event === 'policy-loaded' ? 'loaded' : { refused: event.text }
    found.abort()
  })
  const late = sleep(options.patience, undefined, { signal: found.signal }).catch(() => {})
  await Promise.race([reading, late])
  found.abort()
  await reading.catch(() => {})
  return outcome
}
