import { readFile, stat, statfs } from 'node:fs/promises'
import { join } from 'node:path'
import { clientEnvironment } from '../config/client-environment.ts'
import { userEnvironment } from '../config/environment.ts'
import { loadSettings } from '../config/load-settings.ts'
import { checkoutRoot } from '../config/paths.ts'
import type { Settings } from '../config/settings.ts'
import { findClient, machineVersions } from '../docker/client-find.ts'
import { createEngine } from '../docker/engine.ts'
import { type EngineSearch, engineParts, findEngine } from '../docker/engine-find.ts'
import { readPins } from '../docker/pins.ts'
import { type Finding, judgeRequirements } from '../docker/requirements.ts'
import { findings as policyFindings } from '../egress/findings.ts'
import { messageOf, UserError } from '../errors.ts'
import { credentialMode, weakness } from '../stack/credential.ts'
import { findMissingImages } from './machine/ensure-images.ts'
import type { Invocation } from './program.ts'

export type Diagnosis = Finding

/** Every check, also after one that failed: a machine is repaired in one go. */
export async function diagnose(_invocation: Invocation): Promise<Diagnosis[]> {
  const root = checkoutRoot()
  const search = await findEngine(userEnvironment())
  const env = clientEnvironment(search.found?.dockerHost ?? '', userEnvironment())
  const settings = await guarded('settings', () => loadSettings(root))
  const requirements = judgeRequirements(
    machineVersions(search.found, await findClient(env), await engineParts(search.found)),
  )
  return [
    ...requirements,
    ...(search.found ? [] : search.tried.map(notAnswering)),
    ...('severity' in settings
      ? [settings]
      : [judgeCredential(settings), await judgeEnvFile(root)]),
    ...(await judgePolicy(root)),
    ...('severity' in settings ? [] : [await judgeImages(root, settings, search)]),
    await judgeDisk(search),
  ]
}

/** A check that throws is a finding too. */
async function guarded<T extends object>(
  id: string,
  check: () => Promise<T>,
): Promise<T | Finding> {
  try {
    return await check()
  } catch (error) {
    const hint = error instanceof UserError ? error.hint : 'run doctor --verbose'
    return { id, severity: 'refusal', message: messageOf(error), hint }
  }
}

function notAnswering({ where, reason }: EngineSearch['tried'][number]): Finding {
  return { id: 'engine-socket', severity: 'warning', message: `${where}: ${reason}`, hint: '' }
}

function judgeCredential(settings: Settings): Finding {
  const id = 'credential'
  try {
    const mode = credentialMode(settings)
    const weaker = weakness(mode)
    return weaker
      ? {
          id,
          severity: 'warning',
          message: `no key or token in .env: ${weaker}`,
          hint: 'put ANTHROPIC_API_KEY or CLAUDE_CODE_OAUTH_TOKEN into .env, or run ./claude.ts setup-token',
        }
      : { id, severity: 'ok', message: `${mode}, read by the gateway alone`, hint: '' }
  } catch (error) {
    return {
      id,
      severity: 'refusal',
      message: messageOf(error),
      hint: error instanceof UserError ? error.hint : '',
    }
  }
}

async function judgeEnvFile(root: string): Promise<Finding> {
  const path = join(root, '.env')
  const mode = (await stat(path).catch(() => null))?.mode ?? 0o600
  return mode & 0o077
    ? {
        id: 'env-file',
        severity: 'warning',
        message: `${path} can be read by others`,
        hint: `chmod 600 ${path}`,
      }
    : { id: 'env-file', severity: 'ok', message: '.env is for its owner alone', hint: '' }
}

async function judgePolicy(root: string): Promise<Finding[]> {
  const path = join(root, 'proxy/squid.conf')
  const result = await guarded('allowlist', async () =>
    policyFindings(await readFile(path, 'utf8'), path),
  )
  if ('severity' in result) return [result]
  if (result.length === 0) {
    return [
      {
        id: 'allowlist',
        severity: 'ok',
        message: 'proxy/squid.conf holds the shipped policy',
        hint: '',
      },
    ]
  }
  return result.map(({ line, message, advice }) => ({
    id: 'allowlist',
    severity: 'warning',
    message: `proxy/squid.conf${line ? `:${line}` : ''}: ${message}`,
    hint: advice,
  }))
}

async function judgeImages(
  root: string,
  settings: Settings,
  { found }: EngineSearch,
): Promise<Finding> {
  const id = 'images'
  if (!found) {
    return { id, severity: 'warning', message: 'images unknown without an engine', hint: '' }
  }
  const engine = createEngine(found.address)
  const { missing } = await findMissingImages({
    root,
    settings,
    engine,
    pins: await readPins(root),
  })
  return missing.length === 0
    ? { id, severity: 'ok', message: 'all images are built', hint: '' }
    : {
        id,
        severity: 'warning',
        message: `to be built: ${missing.join(', ')}`,
        hint: './claude.ts setup builds them; start does too',
      }
}

const enoughDisk = 5_000_000_000

async function judgeDisk({ found }: EngineSearch): Promise<Finding> {
  const folder = found ? '/var/lib/docker' : '/'
  const { bavail, bsize } = await statfs(folder).catch(() => statfs('/'))
  const free = bavail * bsize
  const message = `${(free / 1e9).toFixed(1)} GB free for images`
  return free < enoughDisk
    ? {
        id: 'disk',
        severity: 'warning',
        message,
        hint: 'a build needs 5 GB: docker system df shows what can go',
      }
    : { id: 'disk', severity: 'ok', message, hint: '' }
}
