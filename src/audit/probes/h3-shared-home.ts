import { realpath } from 'node:fs/promises'
import { homedir } from 'node:os'
import { join } from 'node:path'
import * as z from 'zod'
import { isWithin } from '../../files/beneath.ts'
import { tenantOf, tenantParts } from '../../stack/services.ts'
import { standards } from '../audit-report.ts'
import { type Check, check, open, type Probe } from '../probe.ts'
import { type Scene, variable } from '../scene.ts'

const Volume = z.looseObject({
  Driver: z.string(),
  Labels: z.record(z.string(), z.string()).nullish(),
  Options: z.record(z.string(), z.string()).nullish(),
})
const Users = z.array(z.looseObject({ Id: z.string(), Names: z.array(z.string()) }))

const home = '/home/claude'

/** Returns the volume of an agent, as named in its compose file. */
function volumeOf(service: string): string {
  const tenant = tenantOf(service)
  if (tenant !== null) return tenantParts(tenant).home
  return service === 'worker' ? 'worker-home' : 'home'
}

/** Hooks that an agent writes to a shared ~/.claude run in the next session on the host. */
export const sharedHome: Probe = {
  id: 'H3',
  title: "the host's settings of Claude Code",
  attack: 'write hooks to a home folder that the host, or another stack, uses too',
  standards: [standards.hostFolders, standards.hostFiles],
  async run(scene) {
    const homes = await Promise.all(scene.agents.map(name => homeOf(scene, name)))
    return [await notFromHome(scene), ...homes.flat()]
  },
}

async function homeOf(scene: Scene, service: string): Promise<Check[]> {
  const claim = `the home of ${service} is a volume`
  const mount = scene.service(service).Mounts.find(({ Destination }) => Destination === home)
  if (mount?.Type !== 'volume' || !mount.Name) {
    const kind = mount ? `${mount.Type} of ${mount.Source}` : 'no mount'
    return [open(claim, `${service} has ${kind} at ${home}`)]
  }
  return [
    check(claim, true, `${mount.Name} at ${home}`),
    ...(await volumeIsOwn(scene, service, mount.Name)),
    homeIsUsed(scene, service),
  ]
}

async function notFromHome(scene: Scene): Promise<Check> {
  const own = await realpath(homedir()).catch(() => homedir())
  const settings = [join(own, '.claude'), join(own, '.claude.json')]
  const found = [...scene.inspections.containers].flatMap(([service, { Mounts }]) =>
    Mounts.filter(
      ({ Type, Source }) =>
        Type === 'bind' && (isWithin(Source, own) || settings.some(path => isWithin(path, Source))),
    ).map(({ Source }) => `${service} has ${Source}`),
  )
  return check(
    "no service mounts the host's home or its ~/.claude",
    found.length === 0,
    found.join('; ') || `no mount contains ${own} or is in its .claude`,
  )
}

async function volumeIsOwn(
  { engine, stack, service }: Scene,
  owner: string,
  name: string,
): Promise<Check[]> {
  const query = encodeURIComponent(JSON.stringify({ volume: [name] }))
  const [volume, users] = await Promise.all([
    engine.inspect(`/volumes/${encodeURIComponent(name)}`).then(value => Volume.parse(value)),
    engine.inspect(`/containers/json?all=1&filters=${query}`).then(value => Users.parse(value)),
  ])
  const options = Object.keys(volume.Options ?? {})
  const others = users.filter(({ Id }) => Id !== service(owner).Id)
  const project = volume.Labels?.['com.docker.compose.project'] ?? 'no project'
  return [
    check(
      `the volume of ${owner} is a folder of the engine`,
      volume.Driver === 'local' && options.length === 0,
      `driver ${volume.Driver}${options.length > 0 ? ` with ${options.join(', ')}` : ', no options'}`,
    ),
    check(
      `the volume of ${owner} belongs to this stack`,
      name.startsWith(`${stack.stack}_${volumeOf(owner)}`) && project === stack.stack,
      `${name}, created for ${project}`,
    ),
    check(
      `no other container uses the volume of ${owner}`,
      others.length === 0,
      others.length > 0
        ? `also in ${others.flatMap(({ Names }) => Names).join(', ')}`
        : `in ${owner} alone`,
    ),
  ]
}

function homeIsUsed({ service }: Scene, owner: string): Check {
  const container = service(owner)
  const value = variable(container, 'HOME')
  const configuration = variable(container, 'CLAUDE_CONFIG_DIR')
  return check(
    `Claude Code in ${owner} keeps its settings in this volume`,
    value === home && (configuration === undefined || isWithin(home, configuration)),
    `HOME is ${value ?? 'not set'}${configuration ? `, CLAUDE_CONFIG_DIR ${configuration}` : ''}`,
  )
}
