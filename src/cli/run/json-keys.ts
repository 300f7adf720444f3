import { loadSettings } from '../../config/load-settings.ts'
import { checkoutRoot } from '../../config/paths.ts'
import type { JsonKeys } from '../../run/camel-keys.ts'
import { folderSettingsPath } from '../../stack/state/state-folder.ts'
import type { OutputFormat } from './build-request.ts'

/** Returns the spelling of keys: `--keys`, else JSON_KEYS. Reads no settings for text. */
export async function jsonKeysOf(
  given: JsonKeys | undefined,
  format: OutputFormat,
): Promise<JsonKeys> {
  if (given !== undefined) return given
  if (format === 'text') return 'claude'
  return (await loadSettings(checkoutRoot(), undefined, await folderSettingsPath())).JSON_KEYS
}
