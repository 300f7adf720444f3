import { join } from 'node:path'
import { renderCommands } from '../base/command.ts'
import { messageOf, UserError } from '../base/errors.ts'
import { createBooks } from './counting/books.ts'
import { createLedgers } from './counting/ledgers.ts'
import { callersOf, createCredentialFile } from './credential.ts'
import { createGatewayLog } from './gateway-log.ts'
import { createGitBroker } from './git/broker.ts'
import { createOwnBranches } from './git/own-branches.ts'
import { defaultPackLimits } from './git/pack.ts'
import { buildGateway } from './http/app.ts'
import { defaultLimits } from './http/limits.ts'
import { createTenantNetworks } from './http/tenant-network.ts'
import { createUpstream } from './http/upstream.ts'
import { createProvider } from './provider/create-provider.ts'
import { parseGatewaySettings } from './settings.ts'

/**
 * Time in milliseconds that answers in flight have to end; Docker kills a container that does not
 * stop.
 */
const graceMilliseconds = 1_500

const write = (line: string) => {
  process.stdout.write(line)
}

async function main() {
  const settings = parseGatewaySettings(process.env)
  const log = createGatewayLog(settings.LOG_LEVEL, write)
  const credentials = createCredentialFile(settings.CREDENTIAL_FILE)
  const provider = await createProvider(settings, defaultLimits)
  const books = createBooks({
    openLedger: createLedgers({ folder: settings.USAGE_FOLDER, log }),
    usdPerDay: settings.BUDGET_USD_PER_DAY,
  })
  const named = (text: string) =>
    renderCommands(text, words => `${settings.CALLED_AS || './claude.ts'} ${words}`)
  const git = createGitBroker({
    upstreamOf: host =>
      createUpstream({
        origin: `https://${host}`,
        proxy: settings.PROXY_URL,
        limits: defaultLimits,
      }),
    branches: createOwnBranches({ path: join(settings.USAGE_FOLDER, 'git-branches'), log }),
    pack: defaultPackLimits,
    fetchBytes: defaultLimits.bodyBytes,
    ...{ named, log },
  })
  const app = buildGateway({
    ...{ credentials, provider, books, git, log, named },
    limits: defaultLimits,
    isFromTenant: createTenantNetworks(),
  })

  const stop = (signal: NodeJS.Signals) => {
    log({ kind: 'stopping', signal })
    setTimeout(() => process.exit(0), graceMilliseconds).unref()
    app.close().then(() => process.exit(0), fail)
  }
  process.once('SIGTERM', stop)
  process.once('SIGINT', stop)

  await app.listen({ port: settings.GATEWAY_PORT, host: '0.0.0.0' })
  log({
    kind: 'listening',
    port: settings.GATEWAY_PORT,
    upstream: `${settings.UPSTREAM_URL.origin}${settings.UPSTREAM_URL.path}`,
    proxy: settings.PROXY_URL,
  })
  // Report a missing credential at start and not only to the first caller. Keep running: the file may
  // still appear.
  const credential = await credentials.read().catch((error: unknown) => {
    if (error instanceof UserError) {
      log({ kind: 'warn', message: error.message, hint: named(error.hint) })
    }
    return null
  })
  // The first request does not wait for the counts of earlier ones, nor is it the first to fail.
  await Promise.all(credential ? callersOf(credential).map(books.of) : [])
}

/**
 * Ends the process: an unknown state is worse than no gateway, and the restart policy starts a new
 * one.
 */
function fail(error: unknown): never {
  const log = createGatewayLog('error', write)
  const hint = error instanceof UserError ? error.hint : undefined
  log({ kind: 'error', message: messageOf(error), hint })
  process.exit(1)
}

process.on('uncaughtException', fail)
process.on('unhandledRejection', fail)
await main().catch(fail)
