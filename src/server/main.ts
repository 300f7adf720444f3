import { messageOf, UserError } from '../base/errors.ts'
import { buildApp } from './app.ts'
import { createServerLog } from './server-log.ts'
import { parseServerSettings } from './settings.ts'
import { openAccess } from './tokens.ts'

const write = (line: string) => {
  process.stdout.write(line)
}

async function main() {
  const settings = parseServerSettings(process.env)
  const log = createServerLog(settings.LOG_LEVEL, write)
  const access = openAccess({
    folder: settings.ACCESS_FOLDER,
    withoutToken: settings.SERVER_WITHOUT_TOKEN,
    log,
  })
  const app = await buildApp({
    access,
    hosts: settings.SERVER_ALLOWED_HOSTS,
    origins: settings.SERVER_ALLOWED_ORIGINS,
    log,
  })

  const stop = (signal: NodeJS.Signals) => {
    log({ kind: 'stopping', signal, runs: 0 })
    setTimeout(() => process.exit(0), settings.DRAIN_SECONDS * 1_000).unref()
    app.close().then(() => process.exit(0), fail)
  }
  process.once('SIGTERM', stop)
  process.once('SIGINT', stop)

  await app.listen({ port: settings.SERVER_PORT, host: '0.0.0.0' })
  log({
    kind: 'listening',
    port: settings.SERVER_PORT,
    tenants: access.tenants().length,
    tokens: access.count(),
  })
}

/** Ends the process: an unknown state is worse than no server, and the restart policy starts a new one. */
function fail(error: unknown): never {
  const log = createServerLog('error', write)
  const hint = error instanceof UserError ? error.hint : undefined
  log({ kind: 'error', message: messageOf(error), hint })
  process.exit(1)
}

process.on('uncaughtException', fail)
process.on('unhandledRejection', fail)
await main().catch(fail)
