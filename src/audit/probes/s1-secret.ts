import { lstat, readdir, readFile, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { unusedSecret } from '../../stack/credential.ts'
import { serverFolder } from '../../stack/server/server-folder.ts'
import { tenantOf } from '../../stack/services.ts'
import { stateFolder } from '../../stack/state/state-folder.ts'
import { standards } from '../audit-report.ts'
import type { InspectedContainer } from '../inspections.ts'
import { holdsSecret, keyPattern, realKeys } from '../key-search.ts'
import { type Check, check, everyService, held, open, orUnknown, type Probe } from '../probe.ts'
import type { Scene } from '../scene.ts'

/** Compares on the host: the secret enters neither a container nor the evidence. */
export const secretSearch: Probe = {
  id: 'S1',
  title: 'the real credential',
  attack: 'look for the key in environments, command lines, files, logs, images and descriptions',
  standards: [
    standards.secretsInImages,
    standards.secrets,
    standards.clearTextSecrets,
    standards.ulimits,
  ],
  async run(scene) {
    const found = scene.credential?.secret
    const secret = found && found !== unusedSecret ? found : null
    return [
      everyService(scene, 'no environment holds a real key', environmentKeys(scene)),
      ...(await Promise.all([
        search(secret, 'the engine reports no key', async () => [
          { where: 'containers, images and networks', text: scene.inspections.text },
        ]),
        search(secret, 'no process was started with a key', () => processes(scene)),
        search(secret, 'no log holds a key', () => logs(scene)),
        search(secret, 'no file of the stack but the credential file holds a key', () =>
          stateFiles(scene),
        ),
        ...scene.agents.map(name => {
          // Files are searched by the form of Anthropic's keys; another credential has no form of its own.
          const own = secret === null || realKeys(secret).length > 0
          const claim = `no file of ${name} holds ${own ? 'the credential' : 'a key of Anthropic'}`
          return orUnknown(claim, () => agentFiles(scene, name, claim, secret))
        }),
      ])),
      ...(await credentialFile(scene)),
      everyService(scene, 'no service can write core dumps', ({ HostConfig: { Ulimits } }) =>
        Ulimits?.find(({ Name }) => Name === 'core')?.Hard === 0 ? null : 'core dumps are enabled',
      ),
    ]
  },
}

/** Finds variables that look like a key, and credential variables without the placeholder. */
function environmentKeys({ credential }: Scene) {
  return ({ Config: { Env } }: InspectedContainer, service: string) => {
    const own = credential && placeholderOf(credential, service)
    const wrong = (Env ?? []).flatMap(pair => {
      const [name = '', value = ''] = splitOnce(pair)
      const isCredential = /^(ANTHROPIC|CLAUDE)_.*(KEY|TOKEN|SECRET)$/.test(name)
      const placeholder = credential ? value === own : value.includes('placeholder')
      const real = realKeys(value).length > 0
      const secret = credential !== null && holdsSecret(value, credential.secret)
      return real || secret || (isCredential && value !== '' && !placeholder) ? [name] : []
    })
    return wrong.length > 0 ? `${wrong.join(', ')} is not a placeholder` : null
  }
}

/** Returns what a service may hold: an agent of a server has the placeholder of its tenant. */
function placeholderOf(
  { placeholder, callers }: NonNullable<Scene['credential']>,
  service: string,
): string | undefined {
  if (callers === undefined) return placeholder
  return callers.find(({ tenant }) => tenant === tenantOf(service))?.placeholder
}

type Text = { where: string; text: string }

async function search(
  secret: string | null,
  claim: string,
  collect: () => Promise<Text[]>,
): Promise<Check> {
  const texts = await collect()
  const places = texts
    .filter(
      ({ text }) => (secret !== null && holdsSecret(text, secret)) || realKeys(text).length > 0,
    )
    .map(({ where }) => where)
  const length = texts.reduce((sum, { text }) => sum + text.length, 0)
  if (length === 0) return { claim, verdict: 'unknown', evidence: 'there was nothing to search' }
  return check(
    claim,
    places.length === 0,
    places.length > 0
      ? `a key is in: ${places.join(', ')}`
      : `${texts.length} searched (${Math.ceil(length / 1024)} KiB) ${searchedFor(secret)}`,
  )
}

function searchedFor(secret: string | null) {
  return secret === null ? 'for anything like a key' : 'for the credential and anything like a key'
}

async function processes(scene: Scene): Promise<Text[]> {
  const script = 'cat /proc/[0-9]*/environ /proc/[0-9]*/cmdline 2>/dev/null; true'
  return Promise.all(
    [...scene.inspections.containers.keys()].map(async service => {
      const { stdout } = await scene.inside(service, ['sh', '-c', script])
      return { where: service, text: stdout }
    }),
  )
}

/** Returns the end of each log: a log may be long. */
async function logs(scene: Scene): Promise<Text[]> {
  return Promise.all(
    [...scene.inspections.containers].map(async ([service, { Id }]) => ({
      where: `log of ${service}`,
      // Never empty: a service without output was searched, too.
      text: `\n${(await scene.engine.logLines(Id, 5_000)).join('\n')}`,
    })),
  )
}

const stateFileLimit = 4 * 1024 * 1024

/** Returns stack.yaml and the other files that a stack keeps on the host. */
async function stateFiles(scene: Scene): Promise<Text[]> {
  const state = stateFolder(scene.stack.stack)
  const listed = await Promise.all(
    [state.path, state.usage].map(async folder => {
      const names = await readdir(folder).catch((): string[] => [])
      return names.map(name => ({ name, path: join(folder, name) }))
    }),
  )
  const texts = await Promise.all(
    listed.flat().map(async ({ name, path }): Promise<Text | null> => {
      const status = await lstat(path).catch(() => null)
      if (path === state.credential || !status?.isFile() || status.size > stateFileLimit)
        return null
      return { where: name, text: await readFile(path, 'latin1') }
    }),
  )
  return texts.filter(text => text !== null)
}

const agentPlaces = ['/home/claude', '/etc', '/run', '/tmp', '/dev/shm']

/**
 * Searches by pattern in the container, by value here. A third party's key in a folder is not a
 * leak of the stack.
 */
async function agentFiles(
  scene: Scene,
  service: string,
  claim: string,
  secret: string | null,
): Promise<Check> {
  const workspace = scene.tenants === null ? '/workspace' : '/workspaces'
  const all = [...agentPlaces, workspace]
  const searched = await Promise.all(
    all.map(async place => {
      const script = `if command -v rg >/dev/null; then
        timeout 8 rg --text --only-matching --no-filename --no-messages --no-ignore --hidden --max-filesize 32M -e '${keyPattern}' '${place}'
        else timeout 8 grep -raohsE '${keyPattern}' '${place}'; fi; [ $? -ne 124 ] && echo searched`
      const { stdout } = await scene.inside(service, ['sh', '-c', script])
      return { place, stdout, whole: stdout.endsWith('searched\n') }
    }),
  )
  const places = (matches: (text: string) => boolean) =>
    searched.filter(({ stdout }) => matches(stdout)).map(({ place }) => place)
  const leaked = secret === null ? [] : places(text => holdsSecret(text, secret))
  if (leaked.length > 0) return open(claim, `found below ${leaked.join(', ')} in ${service}`)
  const foreign = places(text => realKeys(text).length > 0).filter(place => place !== workspace)
  if (foreign.length > 0) {
    const login = scene.stack.credentials === 'login'
    return {
      claim,
      verdict: 'weak',
      evidence: `${login ? 'the login of the agent is' : 'keys of other services are'} below ${foreign.join(', ')} in ${service}`,
    }
  }
  const cut = searched.filter(({ whole }) => !whole).map(({ place }) => place)
  return held(
    claim,
    `${all.join(', ')} searched${cut.length > 0 ? `; timed out in: ${cut.join(', ')}` : ''}`,
  )
}

async function credentialFile(scene: Scene): Promise<Check[]> {
  const state = stateFolder(scene.stack.stack)
  const [file, folder] = await Promise.all(
    [state.credential, state.path].map(path => stat(path).catch(() => null)),
  )
  if (!file || !folder) {
    return [
      open(
        'a separate service keeps the credential',
        'the stack has no credential file for a gateway',
      ),
    ]
  }
  const { meterKeys, runnerTokens, webhookSecret, telegramToken } = serverFolder(state)
  /** Secrets of other parts, by the service that has them. */
  const others = (service: string): readonly string[] => {
    const tenant = tenantOf(service)
    if (scene.tenants === null) return [state.meterKey]
    if (tenant !== null) return [join(meterKeys, tenant), join(runnerTokens, tenant)]
    return service === 'server' ? [runnerTokens, webhookSecret, telegramToken] : []
  }
  const mode = (status: { mode: number }) => (status.mode & 0o777).toString(8)
  return [
    check(
      'only one user can read the credential file and its folder',
      (file.mode & 0o177) === 0 && (folder.mode & 0o077) === 0,
      `modes ${mode(file)} and ${mode(folder)}`,
    ),
    everyService(scene, 'only the gateway mounts the credential file', ({ Mounts }, service) => {
      const has = Mounts.some(
        ({ Source, Destination }) =>
          (Destination.startsWith('/run/secrets') && !others(service).includes(Source)) ||
          Source === state.credential ||
          Source === state.path,
      )
      if (service === 'gateway') return has ? null : 'does not mount it'
      return has ? 'mounts it too' : null
    }),
    // With it, a session could have its usage counted as a run's.
    everyService(scene, 'only the worker mounts the key that names runs', ({ Mounts }, service) =>
      service !== 'worker' && Mounts.some(({ Source }) => Source === state.meterKey)
        ? 'mounts it too'
        : null,
    ),
  ]
}

function splitOnce(pair: string): [string, string] {
  const end = pair.indexOf('=')
  return end < 0 ? [pair, ''] : [pair.slice(0, end), pair.slice(end + 1)]
}
