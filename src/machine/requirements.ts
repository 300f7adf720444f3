import { command } from '../base/command.ts'
import {
  isAtLeast,
  type MachineVersions,
  type Part,
  parseVersion,
  type Version,
} from '../engine/version.ts'
import { type Component, type KnownCve, openCves } from './known-cves.ts'

export type Finding = {
  id: string
  /** `note`: worth knowing, and nothing is to be done. `refusal`: a problem; `start` refuses most. */
  severity: 'ok' | 'note' | 'warning' | 'refusal'
  message: string
  hint: string
}

const composeFloor: Version = [2, 24, 0]
const podmanFloor: Version = [5, 0, 0]

const setupHint = `run ${command('setup')}, which installs what is needed`

/** One finding per requirement, the good ones too: `doctor` shows all, `start` stops at a refusal. */
export function judgeRequirements(versions: MachineVersions): Finding[] {
  return [
    judgeEngine(versions.engine),
    judgeCompose(versions.compose),
    judgeBuildx(versions.buildx, versions.engine?.kind),
    judgePart('runc', versions.runc),
    judgePart('containerd', versions.containerd),
    judgeDesktop(versions.desktop),
    ...faultsBesides(versions),
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
  const refused = openCves('engine', engine).some(({ bearing }) => bearing === 'refuse')
  if (!refused) return ok(id, `Docker Engine ${engine.version}`)
  return refusal(
    id,
    `Docker Engine ${engine.version} leaks DNS from internal networks (CVE-2024-29018; need 23.0.11, 25.0.5, 26.0 or newer)`,
    `update the engine, or run ${command('setup')}`,
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
    : refusal('buildx', 'there is no Docker buildx plugin', setupHint)
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

/** What is wrong with programs that were judged by their floors, and does not fall below these. */
function faultsBesides({ engine, compose, firewalld = false }: MachineVersions) {
  if (engine?.kind !== 'docker') return []
  const open = (component: Component, version: string) =>
    openCves(component, { version }, { firewalld }).filter(({ bearing }) => bearing !== 'refuse')
  const name = `Docker Engine ${engine.version}`
  return [
    faults('engine-faults', name, open('engine', engine.version)),
    faults('buildkit', `BuildKit in ${name}`, open('buildkit', engine.version)),
    compose
      ? faults('compose-faults', `Docker Compose ${compose}`, open('compose', compose))
      : null,
  ]
}

/** One finding for the open faults of a program; null when there are none. */
function faults(id: string, program: string, open: readonly KnownCve[]): Finding | null {
  const serious = open.filter(({ bearing }) => bearing !== 'note')
  if (serious.length > 0) {
    return {
      id,
      severity: 'warning',
      message: `${program} has known ways out of a container: ${serious.map(({ id }) => id).join(', ')}`,
      hint: `update ${program.split(' ').slice(0, -1).join(' ')} as soon as your distribution has the fix`,
    }
  }
  if (open.length === 0) return null
  const each = open.map(({ id, allows, beside }) => `${id} lets ${allows}; here ${beside}`)
  return {
    id,
    severity: 'note',
    message: `${program} has known faults that a stack does not meet: ${open.map(({ id }) => id).join(', ')}`,
    hint: each.join('. '),
  }
}

function ok(id: string, message: string): Finding {
  return { id, severity: 'ok', message, hint: '' }
}

function refusal(id: string, message: string, hint: string): Finding {
  return { id, severity: 'refusal', message, hint }
}
