import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { standards } from '../audit-report.ts'
import { type Check, check, orUnknown, type Probe } from '../probe.ts'
import { type Scene, variable } from '../scene.ts'

const managed = '/etc/claude-code/managed-settings.json'

/**
 * The programs that decide where a credential is sent, and the folders that decide which programs run.
 */
const trusted = ['/', '/etc', '/etc/claude-code', managed].concat(
  ['/usr', '/usr/bin', '/usr/local', '/usr/local/bin'],
  ['/usr/local/bin/claude', '/usr/local/bin/node'],
)

/**
 * A repository's .claude/settings.json sets another address for the API, which receives the
 * credential.
 */
export const redirect: Probe = {
  id: 'H4',
  title: 'settings of a repository that send the credential elsewhere',
  attack: 'change the address that Claude Code calls, by settings, environment or another program',
  standards: [standards.imageConfiguration, standards.readOnly],
  async run(scene) {
    const login = scene.stack.credentials === 'login'
    const files = await Promise.all([
      ...scene.agents.flatMap(name => [
        managedSettings(scene, name, login),
        ownedByRoot(scene, name),
      ]),
      orUnknown(unwritable, () => writableByAgent(scene)),
    ])
    return [...files, ...scene.agents.flatMap(name => environment(scene, name, login))]
  },
}

async function managedSettings(scene: Scene, service: string, login: boolean): Promise<Check> {
  const name = login ? 'managed-settings.direct.json' : 'managed-settings.json'
  const [own, found] = await Promise.all([
    readFile(join(scene.root, 'claude', name), 'utf8').catch(() => null),
    scene.inside(service, ['cat', managed]),
  ])
  const same = found.code === 0 && own !== null && found.stdout === own
  const difference = found.code === 0 ? `differs from claude/${name}` : 'is missing'
  return check(
    `the managed settings in ${service} are those of this checkout`,
    same,
    `${managed} ${same ? `is claude/${name}` : difference}`,
  )
}

/** Checks owner and mode instead of writing: a read-only system would hide a wrong mode. */
async function ownedByRoot(scene: Scene, service: string): Promise<Check> {
  const claim = `settings and programs of ${service} belong to root alone`
  const script = `IFS=:; stat -L -c '%u %a %n' ${trusted.join(' ')} $PATH 2>&1; true`
  const { stdout } = await scene.inside(service, ['sh', '-c', script])
  const lines = stdout.split('\n').filter(Boolean)
  const seen = new Set<string>()
  const wrong = lines.filter(line => {
    const [, uid, mode = '', path = ''] = /^(\d+) (\d+) (.*)$/.exec(line) ?? []
    // The owner of the parent folder could create a path that is named and missing.
    if (uid === undefined) return trusted.some(path => line.includes(`'${path}'`))
    seen.add(path)
    return uid !== '0' || (Number.parseInt(mode, 8) & 0o022) !== 0
  })
  if (lines.length === 0) {
    return { claim, verdict: 'unknown', evidence: `cannot run a program in ${service}` }
  }
  return check(
    claim,
    wrong.length === 0,
    wrong.length > 0
      ? `owner, mode, path: ${wrong.join('; ')}`
      : `${seen.size} checked, including ${managed}, claude, node and every folder of PATH`,
  )
}

const unwritable = 'the agent cannot open settings and programs for writing'

async function writableByAgent({ agent }: Scene): Promise<Check> {
  const files = [managed, '/usr/local/bin/claude', '/usr/local/bin/node']
  const opened = await Promise.all(
    files.map(async path => ({ path, ...(await agent.openForWriting(path)) })),
  )
  const writable = opened.filter(({ writable }) => writable)
  return check(
    unwritable,
    writable.length === 0,
    (writable.length > 0 ? writable : opened)
      .map(({ path, error }) => `${path}: ${error ?? 'opened'}`)
      .join(', '),
  )
}

function environment(scene: Scene, service: string, login: boolean): Check[] {
  const container = scene.service(service)
  const address = variable(container, 'ANTHROPIC_BASE_URL')
  const wanted = login ? 'https://api.anthropic.com' : 'http://gateway:8787'
  const base = check(
    `the environment of ${service} sets the address of the API`,
    address === wanted,
    `ANTHROPIC_BASE_URL of ${service} is ${address ?? 'not set'}`,
  )
  if (login) return [base]
  const flag = variable(container, 'CLAUDE_CODE_PROVIDER_MANAGED_BY_HOST')
  return [
    base,
    check(
      `settings of a repository cannot change this address in ${service}`,
      flag === '1',
      `CLAUDE_CODE_PROVIDER_MANAGED_BY_HOST of ${service} is ${flag ?? 'not set'}`,
    ),
  ]
}
