import { parseCustomEnvironment } from '../config/custom-environment.ts'
import { parseCustomMounts } from '../config/custom-mounts.ts'
import { loadCustomSettings } from '../config/custom-settings.ts'
import { cacheRoot, customRoot, stateRoot } from '../config/paths.ts'
import { secretSettings } from '../config/settings.ts'
import { type Customisation, noCustomisation } from '../stack/custom/customisation.ts'
import { resolveMounts } from '../stack/custom/declared-mounts.ts'
import type { OwnPlace } from '../stack/custom/host-places.ts'
import type { Workspace } from '../workspace/workspace.ts'
import type { Context } from './context.ts'
import { ownPlaces } from './workspace-here.ts'

/** What the user adds to the agent's containers, judged before anything is made. */
export async function customise(context: Context, workspace: Workspace): Promise<Customisation> {
  const { root, settings } = context
  const custom = await loadCustomSettings(root)
  const secrets = secretSettings.flatMap(name => settings[name] ?? [])
  const environment = parseCustomEnvironment(custom.environment, secrets)
  const declared = await resolveMounts(
    parseCustomMounts(custom.mounts),
    placesOf(context, workspace),
  )
  return { ...noCustomisation, environment, declared }
}

/** Whoever can write in one of these gets out, or gets at what he is kept from. */
function placesOf(context: Context, workspace: Workspace): OwnPlace[] {
  const { socket } = ownPlaces(context)
  return [
    { path: context.root, what: 'claude-secure itself' },
    { path: stateRoot(), what: 'the state of claude-secure' },
    { path: cacheRoot(), what: 'the downloads of claude-secure' },
    // What is in it is built into the image as root, or read by it.
    { path: customRoot(context.settings), what: 'your own additions' },
    // A second way in would go around the overlays, or around the copy.
    { path: workspace.path, what: 'a part of the workspace' },
    ...(socket ? [{ path: socket, what: 'the socket of the container engine' }] : []),
  ]
}
