import { lstat, readdir } from 'node:fs/promises'
import { join, posix } from 'node:path'
import { messageOf, UserError } from '../../base/errors.ts'
import { terminalLine } from '../../base/terminal-text.ts'
import { parseServiceDefinition, type ServiceDefinition } from '../../config/added-service.ts'
import { isWithin } from '../../files/beneath.ts'
import { readRegularFile, textOf } from '../../files/regular-file.ts'
import { services } from '../services.ts'
import { splitVolume } from './added-service.ts'

/** A service as its file states it. */
export type FoundService = { name: string; definition: ServiceDefinition; text: string }

const mostBytes = 64 * 1024
const mostServices = 16

/** Names in the networks of a stack, which a service must not take. */
const taken = [
  ...services.map(({ name }) => name),
  ...['egress', 'server', 'localhost', 'host', 'workspace', 'canary', 'agent'],
]

/**
 * Reads the definitions in the folder `services` of the user's additions.
 *
 * @param wanted names of services, or all
 */
export async function readServices(
  additions: string,
  wanted: readonly string[] | 'all',
): Promise<FoundService[]> {
  const folder = join(additions, 'services')
  const status = await lstat(folder).catch(() => null)
  if (!status) return refuseMissing([], wanted)
  if (!status.isDirectory()) {
    throw new UserError(`${terminalLine(folder)} is not a folder`, {
      hint: 'replace it with a folder: a symlink could lead anywhere on the host',
    })
  }
  const entries = (await readdir(folder)).sort()
  const other = entries.find(entry => entry.endsWith('.yml'))
  if (other) {
    throw new UserError(`${terminalLine(join(folder, other))} is not read`, {
      hint: 'rename it to end in .yaml',
    })
  }
  const names = entries.flatMap(entry => (entry.endsWith('.yaml') ? [entry.slice(0, -5)] : []))
  if (names.length > mostServices) {
    throw new UserError(`${terminalLine(folder)} has more than ${mostServices} services`, {
      hint: 'remove some of them',
    })
  }
  const found = names.filter(name => wanted === 'all' || wanted.includes(name))
  return refuseMissing(await Promise.all(found.map(name => readService(folder, name))), wanted)
}

function refuseMissing(found: FoundService[], wanted: readonly string[] | 'all') {
  const missing = wanted === 'all' ? undefined : wanted.find(w => !found.some(f => f.name === w))
  if (missing === undefined) return found
  throw new UserError(`SERVICES names ${terminalLine(missing, 60)}, which has no file`, {
    hint: `create services/${terminalLine(missing, 60)}.yaml in your custom folder, or remove the name`,
  })
}

async function readService(folder: string, name: string): Promise<FoundService> {
  const file = `services/${name}.yaml`
  const wrong = (what: string, hint: string) =>
    new UserError(`${terminalLine(file)}: ${what}`, { hint })
  if (!/^[a-z][a-z0-9-]{0,29}$/.test(name) || name.endsWith('-')) {
    throw wrong(
      'is not a name for a service',
      'use lower-case letters, digits and -, and a letter first',
    )
  }
  if (taken.some(own => name === own || name.startsWith(`${own}-`))) {
    throw wrong('has the name of a part of the stack', 'rename the file')
  }
  const text = textOf(await readRegularFile(join(folder, `${name}.yaml`), { limit: mostBytes }))
  if (text === null) throw wrong('is not a regular file', 'replace it with a text file')
  const definition = parseServiceDefinition(file, await parseYaml(file, text))
  const targets = [
    ...definition.volumes.map(volume => checkVolume(volume, wrong)),
    ...Object.keys(definition.tmpfs),
  ]
  for (const [index, target] of targets.entries()) {
    if (!isUsable(target)) {
      throw wrong(
        `${terminalLine(target, 60)} cannot be a mount`,
        'use an absolute path outside of the system, such as /data',
      )
    }
    const twice = targets
      .slice(0, index)
      .find(one => isWithin(one, target) || isWithin(target, one))
    if (twice) throw wrong(`${target} and ${twice} overlap`, 'use separate folders')
  }
  return { name, definition, text }
}

async function parseYaml(file: string, text: string): Promise<unknown> {
  const { parse } = await import('yaml')
  try {
    return parse(text, { maxAliasCount: 0 })
  } catch (cause) {
    const [first = ''] = messageOf(cause).split('\n')
    throw new UserError(`${terminalLine(file)}: ${terminalLine(first)}`, {
      hint: 'correct the YAML; anchors are not supported',
      cause,
    })
  }
}

function checkVolume(volume: string, wrong: (what: string, hint: string) => UserError): string {
  const { volume: name, target } = splitVolume(volume)
  if (/^[./~]/.test(name)) {
    throw wrong(
      `volumes: ${terminalLine(volume, 80)} mounts a path of the host`,
      'name a volume, such as data:/var/lib/data; build files of yours into an image',
    )
  }
  if (/^[a-z][a-z0-9-]{0,29}$/.test(name) && `${name}:${target}` === volume) return target
  throw wrong(
    `volumes: ${terminalLine(volume, 80)} is not NAME:/PATH`,
    'name a volume, such as data:/var/lib/data',
  )
}

const system = ['/bin', '/boot', '/dev', '/etc', '/lib', '/lib64', '/proc', '/sbin', '/sys', '/usr']

function isUsable(target: string) {
  return (
    /^\/[A-Za-z0-9._/-]{1,200}$/.test(target) &&
    posix.normalize(target) === target &&
    !target.endsWith('/') &&
    !['/run', '/tmp', '/run/secrets'].includes(target) &&
    !system.some(place => isWithin(place, target))
  )
}
