import { claudeboxTokens } from './claudebox-settings.ts'
import { hiddenSettings } from './secret-settings.ts'

/**
 * Returns the environment for a process of ours that outlives its terminal and logs in nowhere: without the
 * settings that hold a key or a password, which the process list would show for hours (threat S1).
 */
export function backgroundEnvironment(env: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  const hidden = [...hiddenSettings, ...claudeboxTokens]
  return Object.fromEntries(Object.entries(env).filter(([name]) => !hidden.includes(name)))
}
