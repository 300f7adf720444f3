import { join } from 'node:path'
import { command } from '../../base/command.ts'
import type { Log } from '../../base/log.ts'
import { terminalLine } from '../../base/terminal-text.ts'
import { nameOf } from '../../config/git-repositories.ts'
import { upstreamUrl } from '../../config/model-upstream.ts'
import { parseProtect } from '../../config/protected-names.ts'
import type { DockerClient } from '../../engine/find-client.ts'
import { weakness } from '../../stack/credential.ts'
import { parentTrouble } from '../../stack/parent-proxy.ts'
import { lostOverlays } from '../../stack/protection.ts'
import { serviceOfEgress } from '../../stack/services.ts'
import { type Stack, upstreamOf, upstreamRanges } from '../../stack/stack.ts'
import type { StartOutcome } from '../../stack/start.ts'
import { locateRepository, type Repository } from '../../workspace/repository/locate.ts'
import { renderLost } from '../notices.ts'

/** Says why git does not work in the container, and how to change that; null when it works. */
export function repositoryNotice(repository: Repository): string | null {
  if (repository.kind === 'above') {
    return `git does not work in the container: this folder is a part of the repository ${terminalLine(repository.top)}; start there to give the agent its git`
  }
  if (repository.kind !== 'refused') return null
  const { named, problem, hint } = repository
  return `git does not work in the container: ${named === '' ? '.git' : `.git names ${terminalLine(named)}, which`} ${problem}; ${terminalLine(hint, 1_000)}`
}

/** Logs the way out through a parent proxy: what it decides in the proxy's place, and whether it works. */
export async function announceParent(
  { log, docker, signal }: { log: Log; docker: DockerClient; signal: AbortSignal },
  { parent, identity, mode }: Stack,
  outcome: StartOutcome,
): Promise<void> {
  if (!parent || outcome !== 'started' || mode === 'rehearsal') return
  log({
    kind: 'info',
    text: `everything leaves through the parent proxy ${parent.address}, which resolves the names: it alone decides about private addresses behind an allowed name`,
  })
  const container = `${identity.name}-${serviceOfEgress}-1`
  const trouble = await parentTrouble(docker, container, 'api.anthropic.com', signal)
  if (trouble === null) return
  log({
    kind: 'warn',
    text: `the parent proxy ${parent.address} (${parent.from}) ${trouble}: nothing leaves until it does; check it, its user and password, and PARENT_PROXY in .env`,
  })
}

/** Logs differences from the default protection, unless the stack was already running. */
export async function announce(log: Log, stack: Stack, outcome: StartOutcome): Promise<void> {
  if (outcome === 'running') return
  const warn = (text: string) => log({ kind: 'warn', text })
  const info = (text: string) => log({ kind: 'info', text })
  const { workspace, mode, identity } = stack
  if (outcome === 'outdated') {
    warn(
      `settings, images or protected files changed; run ${command('stop')} and ${command('start')} to apply them`,
    )
    for (const text of renderLost(await lostOverlays(stack.state))) warn(text)
  }
  const loosened = parseProtect(stack.settings.PROTECT) ?? []
  if (workspace.mode === 'mount' && loosened.length > 0) {
    warn(`PROTECT lets the agent write files that your host runs: ${loosened.join(' ')}`)
  }
  const writable = stack.additions?.declared.filter(({ writable }) => writable) ?? []
  if (writable.length > 0) {
    const names = writable.map(({ source }) => terminalLine(source)).join(', ')
    warn(
      `CLAUDE_MOUNT_… lets the agent write in ${names}, where hooks and editor settings are not protected; append :ro to mount read-only`,
    )
  }
  if (stack.additions?.files.some(({ secret }) => secret)) {
    warn('SSH_DIR gives the agent a private key, which it can read')
  }
  const notice = repositoryNotice(await locateRepository(workspace.path, stack.forbidden))
  if (notice) warn(notice)
  if (workspace.mode === 'copy' && identity.kind !== 'session') {
    const reason = workspace.copyReason ? ` (${workspace.copyReason})` : ''
    info(
      `the agent works on a copy of ${workspace.path}${reason}: ${command('diff')} shows its changes, ${command('apply')} brings them back`,
    )
  }
  if (mode === 'rehearsal') {
    info("the demo's scripted model answers here: .env has no key or token")
  }
  const upstream = upstreamOf(stack)
  if (upstream.kind !== 'anthropic') {
    info(`the gateway sends prompts to ${terminalLine(upstreamUrl(upstream))}`)
    const ranges = upstreamRanges(stack)
    if (ranges.length > 0) {
      warn(
        `UPSTREAM_PRIVATE lets the gateway reach that name in ${ranges.join(', ')}: the owner of its DNS record chooses the address there`,
      )
    }
  }
  const repositories = stack.additions?.repositories ?? []
  if (repositories.length > 0 && mode !== 'rehearsal') {
    const names = repositories.map(one => `${nameOf(one)}${one.push ? '' : ' (fetches alone)'}`)
    info(`the gateway reaches ${names.join(', ')} for the agent's git, with your token`)
  }
  const weaker = weakness(mode)
  if (weaker) {
    const direct = stack.settings.CREDENTIALS === 'direct'
    const where = terminalLine(join(stack.root, '.env'))
    warn(
      `${direct ? `CREDENTIALS=direct in ${where} or the environment` : `no credential in ${where} or the environment`}: ${weaker}`,
    )
  }
}
