import { join } from 'node:path'
import { UserError } from '../base/errors.ts'
import { claudeboxSettings, claudeboxTokens } from './claudebox-settings.ts'
import { wrongForm } from './credential-form.ts'
import { readEnvFile } from './env-file.ts'
import { refuseOfCheckout } from './folder-settings.ts'
import { meantForClaude, upstreamSettings } from './model-upstream.ts'
import { hiddenSettings, secretSettings } from './secret-settings.ts'
import { customPrefixes, isCustomName, settingNames, withOurNames } from './setting-names.ts'
import { Settings } from './settings.ts'

const names = Object.keys(Settings.shape)
const accessKey = ['AWS_ACCESS_KEY_ID', 'AWS_SECRET_ACCESS_KEY', 'AWS_SESSION_TOKEN']

/**
 * Loads the settings from `.env` beside claude.ts, overridden by those of a folder (`here`, a file in its
 * state) and by the environment. Removes secrets from this process's environment, so that no child process
 * inherits them (threat S1).
 */
export async function loadSettings(
  root: string,
  env: NodeJS.ProcessEnv = process.env,
  here: string | null = null,
): Promise<Settings> {
  const file = join(root, '.env')
  const plain = (values: Record<string, string>) =>
    Object.fromEntries(Object.entries(values).filter(([name]) => !isCustomName(name)))
  const fromHere = plain(await readFolderSettings(here))
  const fromFile = { ...plain(await readEnvFile(file, names)), ...fromHere }
  const fromEnvironment = Object.fromEntries([
    ...Object.entries(claudeboxSettings(env)),
    ...names.flatMap(name => (env[name] ? [[name, env[name]]] : [])),
  ])
  const chosen: Record<string, string | undefined> = { ...fromFile, ...fromEnvironment }
  for (const [choice, parts] of Object.entries(upstreamSettings)) {
    if (chosen[choice] && chosen[choice] !== '0') continue
    // In the shell these belong to other programs, and must not keep a stack from starting.
    for (const name of parts) if (!meantForClaude.includes(name)) delete fromEnvironment[name]
  }
  // The parts of an access key belong together: one of another place would only spoil the signature.
  const other = fromEnvironment.AWS_ACCESS_KEY_ID ? fromFile : fromEnvironment
  for (const name of accessKey) delete other[name]
  for (const name of [...hiddenSettings, ...claudeboxTokens]) delete env[name]
  const result = Settings.safeParse({ ...fromFile, ...fromEnvironment })
  const placeOf = (name: string) =>
    name in fromEnvironment ? 'environment' : name in fromHere ? (here ?? file) : file
  if (result.success) {
    for (const name of secretSettings) {
      const wrong = wrongForm(name, result.data[name] ?? '')
      if (!result.data[name] || !wrong) continue
      throw new UserError(`${placeOf(name)}: ${name}: ${wrong.message}`, { hint: wrong.hint })
    }
    return result.data
  }
  const issue = result.error.issues[0]
  const name = String(issue?.path[0])
  const secret = hiddenSettings.includes(name)
  const value = secret ? 'its value' : `"${fromEnvironment[name] ?? fromFile[name]}"`
  throw new UserError(`${placeOf(name)}: ${name}: ${value} ${issue?.message ?? 'is not valid'}`, {
    hint: `.env.example describes the values of ${name}`,
  })
}

/** Reads the settings of one folder; refuses those that are for the whole checkout. */
export async function readFolderSettings(path: string | null): Promise<Record<string, string>> {
  if (path === null) return {}
  const found = await readEnvFile(path, settingNames)
  for (const name of Object.keys(found)) refuseOfCheckout(name, path)
  return found
}

/** The settings with user-chosen names. */
export type CustomSettings = {
  /** `CLAUDE_ENV_X=value` as `X` → value. */
  environment: Record<string, string>
  /** `CLAUDE_MOUNT_N=value` as `N` → value. */
  mounts: Record<string, string>
}

/** Loads the settings of the two families, with the precedence of `loadSettings`. */
export async function loadCustomSettings(
  root: string,
  env: NodeJS.ProcessEnv = process.env,
  here: string | null = null,
): Promise<CustomSettings> {
  const values = {
    ...(await readEnvFile(join(root, '.env'), settingNames)),
    ...(await readFolderSettings(here)),
    ...withOurNames(env),
  }
  const family = (prefix: string) =>
    Object.fromEntries(
      Object.entries(values)
        .flatMap(([name, value]): [string, string][] =>
          value && isCustomName(name) && name.startsWith(prefix)
            ? [[name.slice(prefix.length), value]]
            : [],
        )
        // Sorted by name, so that the order of the lines does not change the stack.
        .sort(([a], [b]) => (a < b ? -1 : 1)),
    )
  return {
    environment: family(customPrefixes.environment),
    mounts: family(customPrefixes.mount),
  }
}
