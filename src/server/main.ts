import { messageOf, UserError } from '../base/errors.ts'
import { buildApp } from './app.ts'
import { openFileRuns } from './file-runs.ts'
import { createRunStarter } from './run-starter.ts'
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
  const runs = openFileRuns({
    folder: settings.STORE_FOLDER,
    workersFolder: settings.WORKERS_FOLDER,
    workerSecretsFolder: settings.WORKER_SECRETS_FOLDER,
    ttlHours: settings.RESULT_TTL_HOURS,
    tenants: access.tenants,
  })
  const starter = createRunStarter({ runs, log })
  const app = await buildApp({
    access,
    starter,
    workspacesFolder: settings.WORKSPACES_FOLDER,
    strict: settings.API_STRICT,
    hosts: settings.SERVER_ALLOWED_HOSTS,
    origins: settings.SERVER_ALLOWED_ORIGINS,
    fileBytes: settings.FILE_LIMIT_MB * 1024 * 1024,
    log,
  })

  // The health check and the results answer until the last run has ended.
  const stop = (signal: NodeJS.Signals) => {
    const grace = settings.DRAIN_SECONDS * 1_000
    log({ kind: 'stopping', signal, runs: starter.count() })
    setTimeout(() => process.exit(0), grace + 4_000).unref()
    starter
      .drain(grace)
      .then(() => app.close())
      .then(() => process.exit(0), fail)
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
