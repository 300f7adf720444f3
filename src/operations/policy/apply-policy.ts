import { lstat } from 'node:fs/promises'
import { command } from '../../base/command.ts'
import { messageOf, UserError } from '../../base/errors.ts'
import type { Log } from '../../base/log.ts'
import { terminalLine } from '../../base/terminal-text.ts'
import { clientEnvironment, userEnvironment } from '../../config/environment.ts'
import { cacheRoot, checkoutRoot } from '../../config/paths.ts'
import { parseAllowlist } from '../../egress/allowlist.ts'
import type { AllowlistChange } from '../../egress/edit-allowlist.ts'
import {
  type PolicyEdit,
  type PolicyFile,
  type PolicyFiles,
  planEdit,
} from '../../egress/plan-edit.ts'
import { createEngine, type Engine } from '../../engine/engine.ts'
import type { DockerClient } from '../../engine/find-client.ts'
import { findEngine } from '../../engine/find-engine.ts'
import { rememberedClient } from '../../engine/remembered-client.ts'
import { shortHash } from '../../images/content-hash.ts'
import { gitHostsFolder, writeGitHosts } from '../../stack/additions/git.ts'
import type { StackIdentity } from '../../stack/identity.ts'
import {
  judgeInImage,
  judgeInProxy,
  newestProxyImage,
  type PolicyJudgement,
  type PolicyProxy,
  policyOutcome,
  policyProxies,
} from '../../stack/policy-proxies.ts'
import { withLock } from '../../stack/state/lock.ts'
import { claimState } from '../../stack/state/owner.ts'
import { makeStateFolder, stateFolder } from '../../stack/state/state-folder.ts'
import { currentIdentity, ownedStackName } from '../find-stacks.ts'
import {
  openNames,
  readPolicyFiles,
  readPolicyLists,
  replaceCheckoutGrants,
  replaceFolderGrants,
} from './policy-files.ts'
import { policyDigest, replaceSquidConf, squidConfPath } from './squid-conf.ts'

export type PolicyResult = {
  changes: AllowlistChange[]
  /** Each running proxy that the edit is for, and the seconds until it enforced it; null: not reported. */
  applied: { stack: string; seconds: number | null }[]
}

type Options = {
  dryRun: boolean
  log: Log
  signal: AbortSignal
  /** The stack whose own list an edit with `here` is for; that of the current folder unless given. */
  identity?: StackIdentity
}

/** The places where Squid can check a configuration; null without an engine or its client. */
type Judges = { engine: Engine; docker: DockerClient; proxies: PolicyProxy[] } | null

/** An edit of the files, and which of them it changes. */
type Planned = {
  root: string
  stack: string | null
  before: PolicyFiles
  after: PolicyFiles
  changed: PolicyFile[]
}

/** Milliseconds for a proxy to report the result of an edit: ten times the usual. */
const patience = 8_000

/**
 * Edits the files of the policy after Squid has accepted the new text, and waits until every running proxy that reads
 * them enforces it: all of this checkout, or that of the current folder. Concurrent edits wait for each other, so none
 * is lost.
 */
export async function applyPolicyEdit(edit: PolicyEdit, options: Options): Promise<PolicyResult> {
  const root = checkoutRoot()
  // Only a folder's own list needs a folder.
  const identity = edit.here ? (options.identity ?? (await currentIdentity())) : null
  const stack = identity && (await ownedStackName(identity))
  return withLock(`allowlist-${shortHash([root])}`, options, async () => {
    const before = readPolicyFiles(root, stack)
    parseAllowlist(before.conf, squidConfPath(root))
    const { files: after, changes } = planEdit(before, edit, new Date())
    const changed = (['conf', 'checkout', 'here'] as const).filter(
      file => before[file] !== after[file],
    )
    if (changed.length === 0) return { changes, applied: [] }
    const planned = { root, stack, before, after, changed }
    const judges = await findJudges(planned)
    await judge(judges, planned, edit, options.log)
    if (options.dryRun) return { changes, applied: [] }
    if (identity) {
      await makeStateFolder(stateFolder(identity.name))
      await claimState(identity, stateFolder(identity.name))
    }
    const since = new Date()
    await writeFiles(planned, after)
    const applied = await settle(judges, planned, since, options.log)
    const stacks = judges?.proxies.map(({ stack }) => stack) ?? []
    await updateGitHosts(root, stacks, options.log)
    return { changes, applied }
  })
}

async function writeFiles({ root, stack, changed }: Planned, files: PolicyFiles) {
  if (changed.includes('conf')) await replaceSquidConf(root, files.conf)
  if (changed.includes('checkout')) await replaceCheckoutGrants(root, files.checkout)
  if (stack && changed.includes('here')) await replaceFolderGrants(stack, files.here)
}

async function findJudges({ root, stack, changed }: Planned): Promise<Judges> {
  const { found } = await findEngine(userEnvironment())
  if (!found) return null
  const engine = createEngine(found.address)
  const env = clientEnvironment(found.dockerHost, userEnvironment())
  const [client, all] = await Promise.all([
    rememberedClient(env, cacheRoot()),
    policyProxies(engine, root),
  ])
  const proxies = changed.includes('here') ? all.filter(proxy => proxy.stack === stack) : all
  return client ? { engine, docker: { kind: found.kind, file: client.file, env }, proxies } : null
}

/** Has Squid check the new files before they take effect. */
async function judge(judges: Judges, { after, changed }: Planned, edit: PolicyEdit, log: Log) {
  const unasked = (why: string) =>
    log({ kind: 'info', text: `${why}: Squid checks the edit when a stack starts` })
  if (!judges) return unasked('no container engine answers')
  const { docker, proxies } = judges
  if (proxies.length === 0) {
    // Without squid.conf beside them the grants mean nothing to Squid; we have checked their form.
    if (!changed.includes('conf')) return
    const image = await newestProxyImage(judges.engine)
    if (!image) return unasked('there is no proxy image yet')
    const judgement = await judgeInImage(docker, image, after.conf)
    if (judgement.verdict === 'unable') return unasked('the proxy image is an older version')
    return refuseRefused(judgement)
  }
  await Promise.all(
    proxies.map(async proxy => {
      for (const file of changed) {
        if (file !== 'conf' && !proxy.readsGrants) {
          unasked(`the proxy of ${proxy.stack} is an older version`)
          continue
        }
        const judgement = await judgeInProxy(docker, proxy.container, after[file], file)
        if (judgement.verdict === 'unable') refuseUnending(proxy, edit)
        refuseRefused(judgement)
      }
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
function refuseUnending({ stack, workspace }: PolicyProxy, { until }: PolicyEdit) {
  if (!until) return
  throw new UserError(`the proxy of ${stack} is an older version, which does not support --for`, {
    hint: `run ${command('stop')} and ${command('start')} in ${terminalLine(workspace)}, or omit --for`,
  })
}

/** Waits for the proxies; reverts the edit when one of them still refuses it. */
async function settle(
  judges: Judges,
  planned: Planned,
  since: Date,
  log: Log,
): Promise<PolicyResult['applied']> {
  if (!judges) return []
  const { root, stack, before, after, changed } = planned
  const { engine } = judges
  const proxies = judges.proxies.filter(
    ({ readsGrants }) => readsGrants || changed.includes('conf'),
  )
  const outcomes = await Promise.all(
    proxies.map(async proxy => {
      const digests = Object.fromEntries(
        changed
          .filter(file => file === 'conf' || proxy.readsGrants)
          .map(file => [file, policyDigest(after[file])]),
      )
      const outcome = await policyOutcome(engine, proxy, { digests, since, patience })
      return { proxy, outcome, seconds: (Date.now() - since.getTime()) / 1000 }
    }),
  )
  for (const { proxy, outcome } of outcomes) {
    if (typeof outcome !== 'object') continue
    const now = readPolicyFiles(root, stack)
    if (changed.every(file => now[file] === after[file])) await writeFiles(planned, before)
    throw new UserError(`${proxy.stack} rejected the edit: ${terminalLine(outcome.refused, 300)}`, {
      hint: `run ${command('doctor')} to check the whole policy; its files are unchanged`,
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

/**
 * Tells git in running stacks which hosts it reaches now, so that a `git@` remote works as soon as its
 * host is allowed. The edit of the policy holds also when this fails.
 */
export async function updateGitHosts(root: string, stacks: readonly string[], log: Log) {
  for (const stack of stacks) {
    const state = stateFolder(stack)
    // A stack of an older version does not mount the folder.
    if (!(await lstat(gitHostsFolder(state)).catch(() => null))) continue
    try {
      const open = openNames(readPolicyLists(root, state), new Date())
      await writeGitHosts(
        state,
        open.map(({ name }) => name),
      )
    } catch (error) {
      log({
        kind: 'warn',
        text: `git in ${stack} will know the new hosts at the next start: ${messageOf(error)}`,
      })
    }
  }
}
