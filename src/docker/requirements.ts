import { isAtLeast, parseVersion, type Version } from './version.ts'

export type Finding = {
  id: string
  severity: 'ok' | 'warning' | 'refusal'
  message: string
  hint: string
}

/** What a machine has; null for what it lacks. */
export type MachineVersions = {
  engine: { kind: 'docker' | 'podman'; version: string } | null
  compose: string | null
  buildx: string | null
  /** `revision` is the distribution's own version, where the engine reports one. */
  runc: { version: string; revision: string } | null
}

/**
 * Engines with the fix of CVE-2024-29018, by which an internal network leaks names to the internet's
 * DNS: the fixed releases of each line. 24 never got one.
 */
const engineFloors: readonly Version[] = [
  [23, 0, 11],
  [25, 0, 5],
  [26, 0, 0],
]
const composeFloor: Version = [2, 24, 0]
const podmanFloor: Version = [5, 0, 0]

/**
 * Escapes of runc and where they end: the fixed release of each line, and the revisions in which a
 * distribution fixed an older one.
 */
const runcEscapes: readonly {
  ids: readonly string[]
  fixed: readonly Version[]
  backports: readonly RegExp[]
}[] = [
  {
    ids: ['CVE-2024-21626'],
    fixed: [[1, 1, 12]],
    backports: [/^1\.1\.5\+ds1-1\+deb12u[1-9]/],
  },
  {
    ids: ['CVE-2025-31133', 'CVE-2025-52565', 'CVE-2025-52881'],
    fixed: [
      [1, 2, 8],
      [1, 3, 3],
      [1, 4, 0],
    ],
    backports: [],
  },
]

const setupHint = 'run ./claude.ts setup, which installs what is needed'

/** One finding per requirement, the good ones too: `doctor` shows all, `start` stops at a refusal. */
export function judgeRequirements(versions: MachineVersions): Finding[] {
  return [
    judgeEngine(versions.engine),
    judgeCompose(versions.compose),
    judgeBuildx(versions.buildx, versions.engine?.kind),
    judgeRunc(versions.runc),
  ].filter(finding => finding !== null)
}

function judgeEngine(engine: MachineVersions['engine']): Finding {
  const id = 'engine'
  if (!engine) return refusal(id, 'there is no container engine', setupHint)
  const version = parseVersion(engine.version)
  const name = engine.kind === 'podman' ? 'Podman' : 'Docker Engine'
  if (!version) {
    return refusal(id, `${name} has an unknown version: ${engine.version}`, setupHint)
  }
  if (engine.kind === 'podman') {
    return isAtLeast(version, podmanFloor)
      ? ok(id, `Podman ${engine.version}`)
      : refusal(
          id,
          `Podman ${engine.version} is too old (need 5.0)`,
          'update Podman, or use Docker',
        )
  }
  if (isInFixedLine(version, engineFloors)) return ok(id, `Docker Engine ${engine.version}`)
  return refusal(
    id,
    `Docker Engine ${engine.version} leaks DNS from internal networks (CVE-2024-29018; need 23.0.11, 25.0.5, 26.0 or newer)`,
    'update the engine, or run ./claude.ts setup',
  )
}

function judgeCompose(compose: string | null): Finding {
  const id = 'compose'
  if (!compose) return refusal(id, 'there is no Docker Compose plugin', setupHint)
  const version = parseVersion(compose)
  return version && isAtLeast(version, composeFloor)
    ? ok(id, `Docker Compose ${compose}`)
    : refusal(
        id,
        `Docker Compose ${compose} is too old (need ${composeFloor.slice(0, 2).join('.')})`,
        'update the compose plugin, or run ./claude.ts setup',
      )
}

function judgeBuildx(
  buildx: string | null,
  engine: 'docker' | 'podman' | undefined,
): Finding | null {
  // Podman builds by itself.
  if (engine === 'podman') return null
  return buildx
    ? ok('buildx', `buildx ${buildx}`)
    : refusal('buildx', 'there is no Docker buildx plugin', setupHint)
}

function judgeRunc(runc: MachineVersions['runc']): Finding | null {
  if (!runc) return null
  const version = parseVersion(runc.version)
  const open = runcEscapes
    .filter(({ fixed, backports }) => {
      if (version && isInFixedLine(version, fixed)) return false
      return !backports.some(pattern => pattern.test(runc.revision))
    })
    .flatMap(({ ids }) => ids)
  if (open.length === 0) return ok('runc', `runc ${runc.version}`)
  return {
    id: 'runc',
    severity: 'warning',
    message: `runc ${runc.revision || runc.version} has known ways out of a container: ${open.join(', ')}`,
    hint: 'update runc as soon as your distribution has the fix',
  }
}

/**
 * Whether the release has a fix that was made in several lines: it is at or above the floor of its own
 * line, or of a newer line than all that have one.
 */
function isInFixedLine(version: Version, floors: readonly Version[]) {
  const newest = floors.at(-1)
  if (newest && isAtLeast(version, newest)) return true
  // Lines are told by the numbers that the floors differ in: the major one, or major and minor.
  const width = new Set(floors.map(([major]) => major)).size === floors.length ? 1 : 2
  return floors.some(
    floor =>
      floor.slice(0, width).every((number, index) => version[index] === number) &&
      isAtLeast(version, floor),
  )
}

function ok(id: string, message: string): Finding {
  return { id, severity: 'ok', message, hint: '' }
}

function refusal(id: string, message: string, hint: string): Finding {
  return { id, severity: 'refusal', message, hint }
}
