import { join } from 'node:path'
import { customPrefixes, isCustomName } from './custom-names.ts'
import { readEnvFile } from './env-file.ts'
import { settingNames } from './setting-names.ts'

/** Settings of the two families from `.env`, overridden by the environment: values by the user's own names. */
export type CustomSettings = {
  /** `CLAUDE_ENV_X=value` as `X` → value. */
  environment: Record<string, string>
  /** `CLAUDE_MOUNT_N=value` as `N` → value. */
  mounts: Record<string, string>
}

export async function loadCustomSettings(
  root: string,
  env: NodeJS.ProcessEnv = process.env,
): Promise<CustomSettings> {
  const values = { ...(await readEnvFile(join(root, '.env'), settingNames)), ...env }
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
