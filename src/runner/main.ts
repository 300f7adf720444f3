import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { chmodSync, existsSync, mkdirSync, rmSync, writeFileSync } from 'node:fs'
import type { Server } from 'node:http'
import { join } from 'node:path'
import { messageOf, UserError } from '../base/errors.ts'
import { workspaceKey } from '../run/run-home.ts'
import { readRunnerToken } from '../run/runner-token.ts'
import { hasMcpServers } from './claude/command.ts'
import { addedMounts, canConfine } from './claude/confine.ts'
import { readMeterSigner } from './claude/meter-signer.ts'
import { standingPromptFile } from './claude/process.ts'
import { openOwn } from './claude/repair.ts'
import { createSessions } from './claude/sessions.ts'
import { checkDescriptors } from './ending/descriptor-check.ts'
import { removeOldHomes } from './old-homes.ts'
import { createGatewayMoves } from './pool/gateway-moves.ts'
import { createPool, freeMemory } from './pool/pool.ts'
import { createRunner } from './runner.ts'
import { createRunnerServer } from './server.ts'
import { parseRunnerSettings } from './settings.ts'
import { emptyTemporary } from './temporary.ts'
import { createRunAnnouncer } from './turn/announce-run.ts'
import { defaultPlaces } from './workspace.ts'

const socketName = 'runner.sock'
const removeOldMilliseconds = 3_600_000

const programs = {
  reaper: '/usr/local/bin/claude-secure-reaper',
  claude: '/usr/local/bin/claude',
}

async function main() {
  const { env } = process
  const settings = parseRunnerSettings(env)
  const confinement = canConfine()
    ? { alone: !existsSync(defaultPlaces.workspaces), mounts: addedMounts() }
    : null
  void emptyTemporary(defaultPlaces.temporary)
  const { RUNNER_FOLDER: folder } = settings
  const signer = readMeterSigner(env, settings.RUNNER_METER_KEY_FILE)
  const access = [folder, join(folder, 'token'), join(folder, socketName)]
  const runner = createRunner({
    env,
    places: defaultPlaces,
    runs: settings.RUNNER_RUNS,
    programs,
    confinement,
    keepsApart: confinement !== null || !existsSync(defaultPlaces.workspaces),
    sessions: createSessions(defaultPlaces.homes),
    pool: createPool({ size: settings.RUNNER_WARM, freeMemory }),
    standingPrompt: standingPromptFile,
    openAccess: () => {
      for (const path of access) openOwn(path)
    },
    orphans: process.ppid === 1,
    hasServers: hasMcpServers(),
    giveUp: fail,
    signer,
    hasGatewayMoved: createGatewayMoves(env.ANTHROPIC_BASE_URL),
    announceRun: createRunAnnouncer(env.ANTHROPIC_BASE_URL, signer),
  })
  const given = settings.RUNNER_TOKEN_FILE
    ? await readRunnerToken(settings.RUNNER_TOKEN_FILE)
    : null
  const servers = [await listenOnSocket(folder, given)]
  if (settings.RUNNER_PORT && given !== null) {
    servers.push(
      await listening(createRunnerServer(runner, given), settings.RUNNER_PORT, '0.0.0.0'),
    )
  }
  const isUsed = (key: string) => {
    const { runs, warm } = runner.status()
    return [...runs, ...warm].some(({ workspace }) => workspaceKey(workspace) === key)
  }
  const removeOld = () =>
    removeOldHomes({ places: defaultPlaces, isUsed }).catch(error =>
      log({ kind: 'warning', message: `cannot remove old homes: ${messageOf(error)}` }),
    )
  setInterval(removeOld, removeOldMilliseconds).unref()
  // Between runs it has time; a run has a check of its own.
  checkDescriptors(fail, { pause: 5_000 })
  log({ kind: 'listening', landlock: confinement !== null })
  if (!confinement && existsSync(defaultPlaces.workspaces)) {
    log({
      kind: 'warning',
      message: 'the kernel has no Landlock: this worker serves only one workspace',
    })
  }

  const stop = (signal: NodeJS.Signals) => {
    log({ kind: 'stopping', signal })
    for (const server of servers) server.close()
    // Docker kills the container after 5 s.
    setTimeout(() => process.exit(0), 4_500).unref()
    runner.close().then(() => process.exit(0), fail)
  }
  process.once('SIGTERM', stop)
  process.once('SIGINT', stop)

  async function listenOnSocket(folder: string, given: string | null) {
    mkdirSync(folder, { recursive: true, mode: 0o700 })
    chmodSync(folder, 0o700)
    const token = given ?? randomBytes(32).toString('hex')
    const file = join(folder, 'token')
    rmSync(file, { force: true })
    // A given token stays where it is: other containers may see this folder.
    if (given === null) writeFileSync(file, token, { mode: 0o600 })
    const path = join(folder, socketName)
    rmSync(path, { force: true })
    return listening(createRunnerServer(runner, token), path)
  }
}

async function listening(server: Server, where: string | number, host?: string) {
  if (typeof where === 'string') server.listen(where)
  else server.listen(where, host)
  await once(server, 'listening')
  return server
}

/** Logs one JSON object per line. Never logs prompts and answers. */
function log(event: { kind: string; [key: string]: unknown }) {
  process.stdout.write(`${JSON.stringify({ time: new Date().toISOString(), ...event })}\n`)
}

/**
 * Ends the process, and with it the container and every process in it: an unknown state could lose runs, or leave
 * their processes behind. The restart policy starts a new one.
 */
function fail(error: unknown): never {
  const hint = error instanceof UserError ? error.hint : undefined
  log({ kind: 'error', message: messageOf(error), hint })
  process.exit(1)
}

process.on('uncaughtException', fail)
process.on('unhandledRejection', fail)
await main().catch(fail)
