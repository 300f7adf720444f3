import { userEnvironment } from '../../config/environment.ts'
import { loadSettings } from '../../config/load-settings.ts'
import { checkoutRoot } from '../../config/paths.ts'
import { runSetup } from '../../operations/setup.ts'
import type { Invocation } from '../invocation.ts'

/** Prepares this machine; asks before it installs anything. */
export async function setup(options: { yes?: boolean; dryRun?: boolean }, invocation: Invocation) {
  const { signal, log, confirm } = invocation
  const root = checkoutRoot()
  const result = await runSetup({
    yes: options.yes ?? false,
    dryRun: options.dryRun ?? false,
    log,
    settings: await loadSettings(root),
    root,
    env: userEnvironment(),
    confirm,
    signal,
  })
  if (result && !options.dryRun) {
    log({ kind: 'info', text: 'this machine is ready; run ./claude.ts start' })
  }
}
