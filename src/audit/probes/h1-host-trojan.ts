import { command } from '../../base/command.ts'
import { messageOf } from '../../base/errors.ts'
import { parseProtect, parseProtectAlso, withdrawnNames } from '../../config/protected-names.ts'
import { stateFolder } from '../../stack/state/state-folder.ts'
import { hostFileChanges, renderHostFileChanges } from '../../workspace/host-files/changes.ts'
import type { Overlay } from '../../workspace/overlay/overlay.ts'
import { planOverlays } from '../../workspace/overlay/plan.ts'
import { list } from '../attempts.ts'
import { standards } from '../audit-report.ts'
import { movedFiles } from '../moved-files.ts'
import { type Check, check, held, open, orUnknown, type Probe } from '../probe.ts'
import { mountAt } from '../proc-files.ts'
import { expectedRepository, repositoryChecks } from '../repository.ts'
import type { Scene } from '../scene.ts'

/** Hooks and settings in the workspace: the host later runs their content as the host's user. */
export const hostTrojan: Probe = {
  id: 'H1',
  title: 'a file of the workspace that the host runs automatically',
  attack: 'write to hooks and settings of git, editors, shells and Claude Code in the workspace',
  standards: [standards.hostFiles, standards.readOnly],
  async run(scene) {
    const mount = scene
      .service(scene.agents[0] ?? 'claude')
      .Mounts.find(({ Destination }) => Destination === '/workspace')
    if (!mount) {
      return [open('the workspace is mounted', 'nothing is mounted at /workspace of the agent')]
    }
    if (mount.Type === 'volume') {
      const evidence = `/workspace is a volume: only ${command('apply')} changes files of the host`
      return [held('the agent works on a copy', evidence)]
    }
    const loosened = parseProtect(scene.stack.protect || 'all') ?? []
    const also = parseProtectAlso(scene.stack.protectAlso) ?? []
    const moved = await movedFiles(scene, mount.Source, [
      ...withdrawnNames.filter(name => !loosened.includes(name)),
      ...also,
    ])
    const changes = changedFiles(scene, mount.Source)
    // Awaited below; this prevents an unhandled rejection on an early failure.
    changes.catch(() => {})
    let overlays: Overlay[]
    try {
      const elsewhere = new Set((await expectedRepository(scene)).map(({ target }) => target))
      // Checked with the repository: its file .git takes the place of the overlay.
      overlays = (await planOverlays(mount.Source, loosened, also)).filter(
        ({ path }) => !elsewhere.has(`/workspace/${path}`) && !moved.missing.includes(path),
      )
    } catch (error) {
      return [
        open('paths that the host runs automatically can be protected', messageOf(error)),
        await changes,
      ]
    }
    const unprotected: Check[] =
      loosened.length === 0
        ? []
        : [
            {
              claim: 'every such path is protected',
              verdict: 'weak',
              evidence: `PROTECT leaves ${loosened.join(', ')} unprotected: the agent can write there`,
            },
          ]
    return [
      ...scene.agents.map(name => inspected(scene, name, mount.Source, overlays)),
      ...(await Promise.all([
        ...scene.agents.map(name => mounted(scene, name, overlays)),
        written(scene, mount.Source, overlays),
        ...moved.checks,
        changes,
      ])),
      ...(await repositoryChecks(scene)),
      ...unprotected,
    ]
  },
}

function inspected(
  scene: Scene,
  service: string,
  workspace: string,
  overlays: readonly Overlay[],
): Check {
  const missing = notMounted(scene, service, workspace, overlays)
  return check(
    `each path that the host runs automatically has a mount of its own in ${service}`,
    missing.length === 0,
    missing.length > 0
      ? `${unprotectedAtStart()}: ${paths(missing)}`
      : `${overlays.length} paths: ${paths(overlays)}`,
  )
}

function notMounted(
  scene: Scene,
  service: string,
  workspace: string,
  overlays: readonly Overlay[],
): Overlay[] {
  const { Mounts } = scene.service(service)
  return overlays.filter(
    ({ path, writable }) =>
      !Mounts.some(
        ({ Source, Destination, RW }) =>
          Source === `${workspace}/${path}` &&
          Destination === `/workspace/${path}` &&
          RW === writable,
      ),
  )
}

/** After an upgrade a running stack lacks the mounts of names that only the new version knows. */
function unprotectedAtStart() {
  return `run ${command('stop')} and then ${command('start')}: not mounted when this stack started, as by an earlier version`
}

/** Checks the mounts in force: a file that was replaced on the host has lost its mount. */
async function mounted(
  scene: Scene,
  service: string,
  overlays: readonly Overlay[],
): Promise<Check> {
  const claim = `the kernel has these mounts in ${service}, and their folders cannot be renamed`
  const facts = (await scene.liveFacts()).get(service)
  if (!facts) return { claim, verdict: 'unknown', evidence: `cannot run a program in ${service}` }
  const missing = overlays.filter(({ path, writable }) => {
    const mount = mountAt(facts.mounts, `/workspace/${path}`)
    return !mount || (!writable && !mount.options.includes('ro'))
  })
  return check(
    claim,
    missing.length === 0,
    missing.length > 0
      ? `not in ${service}: ${paths(missing)}; run ${command('stop')} and ${command('start')} to protect them`
      : `${overlays.filter(({ writable }) => writable).length} folders above protected paths`,
  )
}

/** Opens files without writing, and removes those it could create. */
const script = `for p; do
  if [ -d "$p" ]; then f="$p/.claude-secure-audit-$$"
    if (: > "$f") 2>/dev/null; then rm -f "$f"; echo "wrote $p"; fi
  elif [ -e "$p" ]; then (: >> "$p") 2>/dev/null && echo "wrote $p"
  else echo "missing $p"
  fi
done
echo done`

function written(scene: Scene, workspace: string, overlays: readonly Overlay[]) {
  const claim = 'the agent cannot write to paths that the host runs automatically'
  return orUnknown(claim, () => write(claim, scene, { workspace, overlays }))
}

async function write(
  claim: string,
  scene: Scene,
  { workspace, overlays }: { workspace: string; overlays: readonly Overlay[] },
): Promise<Check> {
  const targets = overlays
    .filter(({ writable }) => !writable)
    .map(({ path }) => `/workspace/${path}`)
  const { stdout } = await scene.agent.run(['sh', '-c', script, 'sh', ...targets])
  if (!stdout.endsWith('done\n')) {
    return { claim, verdict: 'unknown', evidence: 'the script did not finish in the container' }
  }
  const bare = notMounted(scene, scene.agents[0] ?? 'claude', workspace, overlays)
  const successes = stdout.split('\n').filter(line => /^(wrote|missing) /.test(line))
  return check(
    claim,
    successes.length === 0,
    successes.length > 0
      ? `${bare.length > 0 ? `${unprotectedAtStart()}: ` : ''}${list(successes)}`
      : `${targets.length} tried`,
  )
}

/** Returns `weak` and not `open`: the user should review these files. */
async function changedFiles(scene: Scene, workspace: string): Promise<Check> {
  const claim = 'no file that the host runs on request has changed'
  const changes = await hostFileChanges(stateFolder(scene.stack.stack).path, workspace)
  const lines = renderHostFileChanges(changes, 20)
  return lines.length === 0
    ? held(claim, 'unchanged since the stack started')
    : { claim, verdict: 'weak', evidence: lines.map(line => line.trim()).join('; ') }
}

function paths(overlays: readonly Overlay[]) {
  return list(overlays.map(({ path }) => path))
}
