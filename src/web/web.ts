import { join } from 'node:path'
import { command } from '../base/command.ts'
import { backgroundEnvironment } from '../config/background-environment.ts'
import { userEnvironment } from '../config/environment.ts'
import { stateRoot } from '../config/paths.ts'
import { type Caller, openEngine } from '../operations/context.ts'
import { createAccess } from './access.ts'
import { buildWebApp } from './app.ts'
import { listenOnLoopback, loopback } from './listen.ts'
import { createLiveSources } from './live-sources.ts'
import { readPage } from './page-files.ts'

export type WebOptions = {
  /** Null takes 3456 or the next free one. */
  port: number | null
  /** Opens the page in the user's browser. */
  open: boolean
}

/**
 * Serves the page until the caller's signal fires. `onReady` gets its address, whose fragment holds the token:
 * a browser sends it to no server.
 */
export async function serveWeb(
  caller: Caller & { calledAs: string },
  options: WebOptions,
  onReady: (url: string) => void,
): Promise<void> {
  const { log, signal, calledAs } = caller
  const context = await openEngine(caller)
  const access = createAccess()
  let port = 0
  const app = await buildWebApp({
    access,
    port: () => port,
    sources: createLiveSources({ context, calledAs }),
    page: await readPage(context.root),
    calledAs,
    log,
  })
  try {
    port = await listenOnLoopback(app, options.port)
    const url = `http://${loopback}:${port}/#token=${access.token}`
    onReady(url)
    const remove = options.open ? await open(url, caller) : null
    await aborted(signal)
    await remove?.()
  } finally {
    await app.close()
  }
}

async function open(url: string, { log }: Caller) {
  const { openBrowser } = await import('./open-browser.ts')
  const env = backgroundEnvironment(userEnvironment())
  const { opened, remove } = await openBrowser(url, { folder: join(stateRoot(), 'web'), env })
  if (!opened) {
    const text = `no program opened a browser: open the address yourself, or run ${command('web')} without --open`
    log({ kind: 'warn', text })
  }
  return remove
}

function aborted(signal: AbortSignal): Promise<void> {
  if (signal.aborted) return Promise.resolve()
  return new Promise(resolve => signal.addEventListener('abort', () => resolve(), { once: true }))
}
