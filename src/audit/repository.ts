import { command } from '../base/command.ts'
import { parseProtect } from '../config/protected-names.ts'
import { type BindMount, repositoryMounts } from '../stack/repository.ts'
import { stateFolder } from '../stack/state/state-folder.ts'
import { locateRepository } from '../workspace/repository/locate.ts'
import { planRepository } from '../workspace/repository/plan.ts'
import { list } from './attempts.ts'
import { type Check, check, orUnknown } from './probe.ts'
import { mountAt } from './proc-files.ts'
import type { Scene } from './scene.ts'

/** Returns the mounts by which git works when the repository is not in the workspace; usually none. */
export async function expectedRepository({ stack }: Pick<Scene, 'stack'>): Promise<BindMount[]> {
  // The workspaces of a server are folders that no host program works in by design.
  if (stack.workspaceMode === 'copy' || stack.identity?.kind === 'server') return []
  const located = await locateRepository(stack.workspace)
  if (located.kind !== 'elsewhere') return []
  const loosened = (parseProtect(stack.protect || 'all') ?? []).includes('.git')
  const plan = await planRepository(stack.workspace, located, { loosened })
  return repositoryMounts(plan, stateFolder(stack.stack))
}

/** Checks that the agent cannot change what git on the host obeys in such a repository. */
export async function repositoryChecks(scene: Scene): Promise<Check[]> {
  const expected = await expectedRepository(scene)
  if (expected.length === 0) return []
  return Promise.all([
    ...scene.agents.map(name => mounted(scene, name, expected)),
    orUnknown(written, () => writes(scene, expected)),
  ])
}

async function mounted(scene: Scene, service: string, expected: readonly BindMount[]) {
  const claim = `the repository outside the workspace is closed in ${service} where the host obeys it`
  const facts = (await scene.liveFacts()).get(service)
  if (!facts) {
    return { claim, verdict: 'unknown', evidence: `cannot run a program in ${service}` } as const
  }
  const { Mounts } = scene.service(service)
  const missing = expected.filter(({ source, target, writable }) => {
    const inForce = mountAt(facts.mounts, target)
    const asked = Mounts.some(
      ({ Source, Destination, RW }) =>
        Source === source && Destination === target && RW === writable,
    )
    return !asked || !inForce || (!writable && !inForce.options.includes('ro'))
  })
  return check(
    claim,
    missing.length === 0,
    missing.length > 0
      ? `not mounted: ${targets(missing)}; run ${command('stop')} and ${command('start')} to protect them`
      : `${expected.length} paths: ${targets(expected)}`,
  )
}

const written = 'the agent cannot write to what git on the host obeys in that repository'

/** Opens files without writing, and removes those it could create. */
const script = `for p; do
  if [ -d "$p" ]; then f="$p/.claude-secure-audit-$$"
    if (: > "$f") 2>/dev/null; then rm -f "$f"; echo "wrote $p"; fi
  elif (: >> "$p") 2>/dev/null; then echo "wrote $p"
  fi
done
echo done`

async function writes(scene: Scene, expected: readonly BindMount[]): Promise<Check> {
  const closed = expected.filter(({ writable }) => !writable).map(({ target }) => target)
  const { stdout } = await scene.agent.run(['sh', '-c', script, 'sh', ...closed])
  if (!stdout.endsWith('done\n')) {
    return { claim: written, verdict: 'unknown', evidence: 'the script did not finish' }
  }
  const successes = stdout.split('\n').filter(line => line.startsWith('wrote '))
  const evidence = successes.length > 0 ? list(successes) : `${closed.length} tried`
  return check(written, successes.length === 0, evidence)
}

function targets(mounts: readonly BindMount[]) {
  return list(mounts.map(({ target }) => target))
}
