import { join } from 'node:path'
import { readEnvFile } from '../config/env-file.ts'
import { userEnvironment } from '../config/environment.ts'
import { readFolderSettings } from '../config/load-settings.ts'
import { upstreamSites } from '../config/model-upstream.ts'
import { checkoutRoot } from '../config/paths.ts'
import { settingNames } from '../config/setting-names.ts'
import { folderSettingsPath } from '../stack/state/owner.ts'

/** Returns whether the model is behind a company's gateway, which can serve models under any name. */
export async function upstreamHasOwnNames(root = checkoutRoot()): Promise<boolean> {
  const values = {
    ...(await readEnvFile(join(root, '.env'), settingNames)),
    ...(await readFolderSettings(await folderSettingsPath())),
  }
  const url = userEnvironment().ANTHROPIC_BASE_URL || values.ANTHROPIC_BASE_URL
  return url !== undefined && upstreamSites(url).length > 0
}
