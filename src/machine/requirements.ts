import { command } from '../base/command.ts'
import {
  isAtLeast,
  type MachineVersions,
  type Part,
  parseVersion,
  type Version,
} from '../engine/find-engine.ts'
import { type Component, type KnownCve, openCves } from './known-cves.ts'

export type Finding = {
  id: string
  /** `note`: needs no action. `refusal`: a problem; `start` refuses to run with most of them. */
  severity: 'ok' | 'note' | 'warning' | 'refusal'
  message: string
  hint: string
}

const composeFloor: Version = [2, 24, 0]
const podmanFloor: Version = [5, 0, 0]

const setupHint = `run ${command('setup')} to install it`

/**
 * Returns one finding per requirement, also for those that are met: `doctor` shows all, `start`
 * stops at a refusal.
 */
export function judgeRequirements(versions: MachineVersions): Finding[] {
  return [
    judgeEngine(versions.engine),
    judgeCompose(versions.compose),
    judgeBuildx(versions.buildx, versions.engine?.kind),
    judgePart('runc', versions.runc),
    judgePart('containerd', versions.containerd),
    judgeDesktop(versions.desktop),
    ...otherFaults(versions),
  ].filter(finding => finding !== null)
}

function judgeEngine(engine: MachineVersions['engine']): Finding {
  const id = 'engine'
  if (!engine) return refusal(id, 'no container engine was found', setupHint)
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
  const refused = openCves('engine', engine).some(({ response }) => response === 'refuse')
  if (!refused) return ok(id, `Docker Engine ${engine.version}`)
  return refusal(
    id,
    `Docker Engine ${engine.version} leaks DNS from internal networks (CVE-2024-29018; need 23.0.11, 25.0.5, 26.0 or newer)`,
    `update the engine, or run ${command('setup')}`,
  )
}

function judgeCompose(compose: string | null): Finding {
  const id = 'compose'
  if (!compose) return refusal(id, 'the Docker Compose plugin is not installed', setupHint)
  const version = parseVersion(compose)
  return version && isAtLeast(version, composeFloor)
    ? ok(id, `Docker Compose ${compose}`)
    : refusal(
        id,
        `Docker Compose ${compose} is too old (need ${composeFloor.slice(0, 2).join('.')})`,
        `update the compose plugin, or run ${command('setup')}`,
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
    : refusal('buildx', 'the Docker buildx plugin is not installed', setupHint)
}

function judgePart(id: 'runc' | 'containerd', part: Part | null): Finding | null {
  if (!part) return null
  const name = `${id} ${part.revision || part.version}`
  return faults(id, name, openCves(id, part)) ?? ok(id, `${id} ${part.version}`)
}

function judgeDesktop(version: string | null): Finding | null {
  if (!version) return null
  const name = `Docker Desktop ${version}`
  return faults('desktop', name, openCves('desktop', { version })) ?? ok('desktop', name)
}

/** Returns further vulnerabilities of the programs that are judged by their minimum version. */
function otherFaults({ engine, compose, firewalld = false }: MachineVersions) {
  if (engine?.kind !== 'docker') return []
  const open = (component: Component, version: string) =>
    openCves(component, { version }, { firewalld }).filter(({ response }) => response !== 'refuse')
  const name = `Docker Engine ${engine.version}`
  return [
    faults('engine-faults', name, open('engine', engine.version)),
    faults('buildkit', `BuildKit in ${name}`, open('buildkit', engine.version)),
    compose
      ? faults('compose-faults', `Docker Compose ${compose}`, open('compose', compose))
      : null,
  ]
}

/** Returns one finding for the open vulnerabilities of a program; null without any. */
function faults(id: string, program: string, open: readonly KnownCve[]): Finding | null {
  const serious = open.filter(({ response }) => response !== 'note')
  if (serious.length > 0) {
    return {
      id,
      severity: 'warning',
      message: `${program} has known container escapes: ${serious.map(({ id }) => id).join(', ')}`,
      hint: `update ${program.split(' ').slice(0, -1).join(' ')} as soon as your distribution has the fix`,
    }
  }
  if (open.length === 0) return null
  const each = open.map(({ id, allows, mitigation }) => `${id} lets ${allows}; here ${mitigation}`)
  return {
    id,
    severity: 'note',
    message: `${program} has known vulnerabilities that do not affect a stack: ${open.map(({ id }) => id).join(', ')}`,
    hint: each.join('. '),
  }
}

function ok(id: string, message: string): Finding {
  return { id, severity: 'ok', message, hint: '' }
}

function refusal(id: string, message: string, hint: string): Finding {
  return { id, severity: 'refusal', message, hint }
}
