import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { Agent } from 'undici'
import { createBotApi } from '../../../src/telegram/bot-api/bot-api.ts'
import { openTelegram } from '../../../src/telegram/open-telegram.ts'
import { createRunStarter } from '../../../src/tenants/run-starter.ts'
import { openTenantRuns, type TenantRunsOptions } from '../../../src/tenants/runs/tenant-runs.ts'
import { openAccess } from '../../../src/tenants/tokens.ts'
import { botToken } from './token.ts'

export type BotProgram = {
  settings: Omit<TenantRunsOptions, 'tenants' | 'report'>
  /** Of tenants.json and tokens.json. */
  accessFolder: string
  /** Has the workspaces of each tenant. */
  workspacesFolder: string
  /** Folder of the runner that stands for /workspaces. */
  runnerFolder: string
  path: string
  url: string
}

/** Runs the bot of a server with its database, until the process is killed. Prints its log. */
export async function runBot(program: BotProgram): Promise<void> {
  const log = (event: object) => void process.stdout.write(`${JSON.stringify(event)}\n`)
  const access = openAccess({ folder: program.accessFolder, withoutToken: false, log })
  const runs = await openTenantRuns({
    ...program.settings,
    tenants: () => access.tenants().length,
    report: error => log({ kind: 'error', message: error.message }),
  })
  const starter = createRunStarter({
    runs: {
      spentToday: runs.spentToday,
      of(tenant) {
        const engine = runs.of(tenant)
        const inRunner = (path: string) => path.replace(/^\/workspaces/, program.runnerFolder)
        return {
          ...engine,
          start: (request, { workspace, ...more }) =>
            engine.start(request, { ...more, workspace: inRunner(workspace) }),
        }
      },
    },
    ...{ runLimit: 8, runQueue: 128, log },
    tenants: () => access.tenants().length,
  })
  mkdirSync(join(program.settings.storeFolder, 'chats'), { recursive: true })
  const bot = openTelegram({
    ...{ access, starter, log, grants: null },
    path: program.path,
    records: runs.records('telegram'),
    storeFolder: join(program.settings.storeFolder, 'chats'),
    api: createBotApi({ token: botToken, dispatcher: new Agent(), root: program.url }),
    workspacesFolder: program.workspacesFolder,
    usageFolder: program.settings.usageFolder,
    limits: { chat: 0, group: 1_000, all: 1_000 },
    pauses: [10],
    albumMilliseconds: 300,
  })
  bot.start()
}
