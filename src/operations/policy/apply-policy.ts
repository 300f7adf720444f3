import { command } from '../../base/command.ts'
import { UserError } from '../../base/errors.ts'
import type { Log } from '../../base/log.ts'
import { terminalLine } from '../../base/terminal-text.ts'
import { clientEnvironment, userEnvironment } from '../../config/environment.ts'
import { cacheRoot, checkoutRoot } from '../../config/paths.ts'
import { parseAllowlist } from '../../egress/allowlist.ts'
import {
  type AllowlistChange,
  type AllowlistEdit,
  editAllowlist,
} from '../../egress/edit-allowlist.ts'
import { createEngine, type Engine } from '../../engine/engine.ts'
import type { DockerClient } from '../../engine/find-client.ts'
import { findEngine } from '../../engine/find-engine.ts'
import { rememberedClient } from '../../engine/remembered-client.ts'
import { shortHash } from '../../images/content-hash.ts'
import {
  judgeInImage,
  judgeInProxy,
  type PolicyJudgement,
  type PolicyProxy,
  policyOutcome,
  policyProxies,
} from '../../stack/policy-proxies.ts'
import { withLock } from '../../stack/state/lock.ts'
import { policyDigest, readSquidConf, replaceSquidConf, squidConfPath } from './squid-conf.ts'

export type PolicyResult = {
  changes: AllowlistChange[]
  /** Each running proxy of the checkout, and the seconds until it enforced the edit; null: not reported. */
  applied: { stack: string; seconds: number | null }[]
}

type Options = { dryRun: boolean; log: Log; signal: AbortSignal }

/** The places where Squid can check a configuration; null without an engine or its client. */
type Judges = { engine: Engine; docker: DockerClient; proxies: PolicyProxy[] } | null

/** Milliseconds for a proxy to report the result of an edit: ten times the usual. */
const patience = 8_000

/**
 * Edits proxy/squid.conf after Squid has accepted the new text, and waits until every running proxy of
 * this checkout enforces it. Concurrent edits wait for each other, so none is lost.
 */
export async function applyPolicyEdit(
  edit: AllowlistEdit,
  options: Options,
): Promise<PolicyResult> {
  const root = checkoutRoot()
  return withLock(`allowlist-${shortHash([root])}`, options, async () => {
    const path = squidConfPath(root)
    const text = readSquidConf(root)
    parseAllowlist(text, path)
    const { text: next, changes } = editAllowlist(text, edit, new Date())
    if (next === text) return { changes, applied: [] }
    parseAllowlist(next, path)
    const judges = await findJudges(root)
    await judge(judges, next, edit, options.log)
    if (options.dryRun) return { changes, applied: [] }
    const since = new Date()
    await replaceSquidConf(root, next)
    return { changes, applied: await settle(judges, { root, text, next, since }, options.log) }
  })
}

async function findJudges(root: string): Promise<Judges> {
  const { found } = await findEngine(userEnvironment())
  if (!found) return null
  const engine = createEngine(found.address)
  const env = clientEnvironment(found.dockerHost, userEnvironment())
  const [client, proxies] = await Promise.all([
    rememberedClient(env, cacheRoot()),
    policyProxies(engine, root),
  ])
  return client ? { engine, docker: { kind: found.kind, file: client.file, env }, proxies } : null
}

/** Has Squid check the new file before it takes effect. */
async function judge(judges: Judges, text: string, edit: AllowlistEdit, log: Log) {
  const unasked = (why: string) =>
    log({ kind: 'info', text: `${why}: Squid checks the edit when a stack starts` })
  if (!judges) return unasked('no container engine answers')
  const { docker, proxies } = judges
  if (proxies.length === 0) {
    const image = await newestProxyImage(judges)
    if (!image) return unasked('there is no proxy image yet')
    const judgement = await judgeInImage(docker, image, text)
    if (judgement.verdict === 'unable') return unasked('the proxy image is an older version')
    return refuseRefused(judgement)
  }
  await Promise.all(
    proxies.map(async proxy => {
      const judgement = await judgeInProxy(docker, proxy.container, text)
      if (judgement.verdict === 'unable') refuseUnending(proxy, edit)
      refuseRefused(judgement)
    }),
  )
}

function refuseRefused(judgement: PolicyJudgement) {
  if (judgement.verdict !== 'refused') return
  throw new UserError(`Squid rejected the edit: ${terminalLine(judgement.reason, 300)}`, {
    hint: 'run git diff proxy/squid.conf to see other edits; nothing was changed',
  })
}

/** Refuses a time limit on older proxies, which ignore `# until`: the name would stay allowed. */
function refuseUnending({ stack, workspace }: PolicyProxy, { until }: AllowlistEdit) {
  if (!until) return
  throw new UserError(`the proxy of ${stack} is an older version, which does not support --for`, {
    hint: `run ${command('stop')} and ${command('start')} in ${terminalLine(workspace)}, or omit --for`,
  })
}

async function newestProxyImage({ engine }: NonNullable<Judges>) {
  const images = await engine.images('claude-secure/proxy')
  return images.toSorted((a, b) => b.Created - a.Created)[0]?.RepoTags?.[0]
}

/** Waits for the proxies; reverts the edit when one of them still refuses it. */
async function settle(
  judges: Judges,
  edit: { root: string; text: string; next: string; since: Date },
  log: Log,
): Promise<PolicyResult['applied']> {
  if (!judges) return []
  const { engine, proxies } = judges
  const digest = policyDigest(edit.next)
  const outcomes = await Promise.all(
    proxies.map(async proxy => {
      const outcome = await policyOutcome(engine, proxy, { digest, since: edit.since, patience })
      return { proxy, outcome, seconds: (Date.now() - edit.since.getTime()) / 1000 }
    }),
  )
  for (const { proxy, outcome } of outcomes) {
    if (typeof outcome !== 'object') continue
    if (readSquidConf(edit.root) === edit.next) await replaceSquidConf(edit.root, edit.text)
    throw new UserError(`${proxy.stack} rejected the edit: ${terminalLine(outcome.refused, 300)}`, {
      hint: `run ${command('doctor')} to check the whole policy; squid.conf is unchanged`,
    })
  }
  for (const { proxy, outcome } of outcomes) {
    if (outcome === 'silent') {
      log({
        kind: 'warn',
        text: `${proxy.stack} did not confirm the edit within ${patience / 1000} s: run ${command('status')} in ${proxy.workspace}`,
      })
    }
  }
  return outcomes.map(({ proxy, outcome, seconds }) => ({
    stack: proxy.stack,
    seconds: outcome === 'loaded' ? seconds : null,
  }))
}
