import type { Log } from '../base/log.ts'
import type { WebAccess } from './access.ts'
import type { WebLimits } from './limits.ts'
import type { PageFiles } from './page-files.ts'
import type { WebSources } from './sources.ts'

/** The parts of the page's server. */
export type WebParts = {
  access: WebAccess
  /** The port that it listens on; known once it does. */
  port: () => number
  sources: WebSources
  page: PageFiles
  limits?: Partial<WebLimits>
  /** How the user calls claude-secure, for the commands in messages. */
  calledAs: string
  log: Log
}
