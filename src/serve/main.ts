import { extname, join } from 'node:path'
import { messageOf, UserError } from '../base/errors.ts'
import { readRegularFile, textOf } from '../files/regular-file.ts'
import { openSchedules, type Schedules } from '../schedules/open-schedules.ts'
import { buildApp } from '../server/app.ts'
import { createMetrics } from '../server/metrics.ts'
import { createImageFetch } from '../server/openai/image-fetch.ts'
import { throughProxy } from '../server/through-proxy.ts'
import { createWebhook, reportOf } from '../server/webhook.ts'
import { createRunStarter } from '../tenants/run-starter.ts'
import { openTenantRuns } from '../tenants/runs/tenant-runs.ts'
import { createServerLog, type ServerLog } from '../tenants/server-log.ts'
import type { Outbox, ReportsOptions } from '../tenants/store/outbox.ts'
import { openAccess } from '../tenants/tokens.ts'
import { openControlSocket } from './control-socket.ts'
import { serveHealth } from './health-only.ts'
import { createLogWriter } from './log-writer.ts'
import { parseServerSettings, type ServerSettings } from './settings.ts'
import { openServerTelegram } from './telegram.ts'

const { write, flush } = createLogWriter(text => void process.stdout.write(text))
// Also after an error: its line is the last one.
process.on('exit', flush)

/** Time in which the store marks the runs that did not end when they were told to. */
const closeMilliseconds = 1_000

async function main() {
  const settings = parseServerSettings(process.env)
  const log = createServerLog(settings.LOG_LEVEL, write)
  const access = openAccess({
    folder: settings.ACCESS_FOLDER,
    withoutToken: settings.SERVER_WITHOUT_TOKEN,
    log,
  })
  const webhookSecret = await readWebhookSecret(settings)
  const runs = await openTenantRuns({
    storeFolder: settings.STORE_FOLDER,
    workersFolder: settings.WORKERS_FOLDER,
    workerSecretsFolder: settings.WORKER_SECRETS_FOLDER,
    // Beside this file, in the image and in the sources.
    schemaProgram: join(import.meta.dirname, `schema-worker${extname(import.meta.filename)}`),
    usageFolder: settings.USAGE_FOLDER,
    ttlHours: settings.RESULT_TTL_HOURS,
    tenants: () => access.tenants().length,
    report: error => log({ kind: 'error', message: messageOf(error), ...hintOf(error) }),
    ...(webhookSecret !== null && { reports: reportsWith(log) }),
  })
  const metrics = createMetrics()
  const webhook = openWebhook(settings, webhookSecret, runs.outbox, log)
  const starter = createRunStarter({
    runs,
    runLimit: settings.RUN_LIMIT,
    runQueue: settings.RUN_QUEUE,
    tenants: () => access.tenants().length,
    log,
    onStart: metrics.started,
    onEnd(tenant, run) {
      metrics.left(tenant)
      if (run) metrics.ended(run)
    },
  })
  const telegram = settings.MODES.includes('telegram')
    ? await openServerTelegram(settings, {
        ...{ access, starter, log },
        records: runs.records('telegram'),
        schedules: () => schedules?.control ?? null,
      })
    : null
  const schedules: Schedules | null = settings.MODES.includes('schedules')
    ? openSchedules({
        ...{ access, starter, log },
        workspacesFolder: settings.WORKSPACES_FOLDER,
        path: settings.CRON_FILE,
        storeFolder: settings.STORE_FOLDER,
        timezone: 'UTC',
        hasWebhook: settings.WEBHOOK_URL !== null,
        bot: telegram,
      })
    : null
  const control = await openControlSocket(settings.CONTROL_SOCKET, schedules?.control ?? null)
  const app = await buildApp({
    access,
    starter,
    metrics,
    usageFolder: settings.USAGE_FOLDER,
    workspacesFolder: settings.WORKSPACES_FOLDER,
    strict: settings.API_STRICT,
    sideCalls: settings.OPENAI_SIDE_CALLS === 'haiku',
    resultHours: settings.RESULT_TTL_HOURS,
    fetchImage: createImageFetch(throughProxy(settings.PROXY_URL)),
    hosts: settings.SERVER_ALLOWED_HOSTS,
    origins: settings.SERVER_ALLOWED_ORIGINS,
    fileBytes: settings.FILE_LIMIT_MB * 1024 * 1024,
    log,
  })

  const hasApi = settings.MODES.includes('api')
  const health = hasApi ? null : await serveHealth(settings.SERVER_PORT)

  // The health check and the results answer until the last run has ended.
  const stop = (signal: NodeJS.Signals) => {
    const grace = settings.DRAIN_SECONDS * 1_000
    log({ kind: 'stopping', signal, runs: starter.count() })
    control.close()
    // Fires nothing more; its runs end with those of the others.
    const ended = schedules?.close()
    const told = telegram?.close()
    setTimeout(() => process.exit(0), grace + 6_000).unref()
    starter
      .drain(grace)
      .then(() => Promise.all([app.close(), health?.close(), webhook?.close(), ended, told]))
      .then(() => runs.close(closeMilliseconds))
      .then(() => process.exit(0), fail)
  }
  process.once('SIGTERM', stop)
  process.once('SIGINT', stop)

  if (health === null) await app.listen({ port: settings.SERVER_PORT, host: '0.0.0.0' })
  telegram?.start()
  await schedules?.start()
  log({
    kind: 'listening',
    port: settings.SERVER_PORT,
    tenants: access.tenants().length,
    tokens: access.count(),
  })
}

/**
 * Returns the secret of the webhook; null without a URL. Throws when there is a URL and no secret: a receiver
 * could not tell a report from a forged one.
 */
async function readWebhookSecret(settings: ServerSettings): Promise<string | null> {
  const { WEBHOOK_URL: url, WEBHOOK_SECRET_FILE: path } = settings
  if (url === null) return null
  const secret = textOf(await readRegularFile(path, { limit: 4_096 }))?.trim() ?? ''
  if (secret.length >= 16) return secret
  throw new UserError(`${path} does not contain a secret of at least 16 characters`, {
    hint: 'write a random secret to that file, or unset WEBHOOK_URL',
  })
}

function reportsWith(log: ServerLog): ReportsOptions {
  return {
    render: ended => JSON.stringify(reportOf(ended)),
    dropped: ({ tenant, token, result: { runId } }) =>
      log({
        kind: 'webhook',
        outcome: 'dropped',
        attempts: 0,
        reason: 'too many wait',
        ...{ runId, token, tenant },
      }),
  }
}

function openWebhook(
  { WEBHOOK_URL: url, PROXY_URL: proxy }: ServerSettings,
  secret: string | null,
  outbox: Outbox,
  log: ServerLog,
) {
  if (url !== null && secret !== null) {
    return createWebhook({ url, secret, outbox, dispatcher: throughProxy(proxy), log })
  }
  // They were for a receiver that was taken away: a later one must not get them.
  const count = outbox.clear()
  if (count > 0) log({ kind: 'warn', message: `dropped ${count} reports: WEBHOOK_URL is not set` })
  return null
}

/** Ends the process: an unknown state is worse than no server, and the restart policy starts a new one. */
function fail(error: unknown): never {
  const log = createServerLog('error', write)
  log({ kind: 'error', message: messageOf(error), ...hintOf(error) })
  process.exit(1)
}

function hintOf(error: unknown) {
  return error instanceof UserError ? { hint: error.hint } : {}
}

process.on('uncaughtException', fail)
process.on('unhandledRejection', fail)
await main().catch(fail)
