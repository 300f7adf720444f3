import { rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import type { Test } from 'tap'
import type { Figure } from './figure.ts'
import { endChildren, makeBenchFolder, removeLeftovers } from './leftovers.ts'
import { describeMachine, load } from './machine.ts'
import { createOwnSystem } from './own-system.ts'
import { renderTable } from './render-table.ts'
import type { Row } from './row.ts'
import { editRow } from './rows/g01-edit.ts'
import { listLengthRow } from './rows/g02-list-length.ts'
import { startRow } from './rows/p01-start.ts'
import { sessionRow } from './rows/p02-session.ts'
import { statusRow } from './rows/p03-status.ts'
import { helpRow } from './rows/p04-help.ts'
import { coldRunRow } from './rows/p05-cold-run.ts'
import { serverRunRow } from './rows/p06-server-run.ts'
import { warmRunRow } from './rows/p06-warm-run.ts'
import { openaiRow } from './rows/p07-openai.ts'
import { requestsRow } from './rows/p08-requests.ts'
import { hostileClientsRow } from './rows/p09-hostile-clients.ts'
import { egressRow } from './rows/p10-egress.ts'
import { gatewayRow } from './rows/p11-gateway.ts'
import { memoryRow } from './rows/p12-memory.ts'
import { imageSizeRow } from './rows/p13-image-size.ts'
import { growthRow } from './rows/p14-growth.ts'
import { serverGrowthRow } from './rows/p14-server-growth.ts'
import { manyRunsRow } from './rows/p15-many-runs.ts'
import { serverRunsRow } from './rows/p15-server-runs.ts'
import { copyRow } from './rows/p16-copy.ts'
import { streamsRow } from './rows/p17-streams.ts'
import { commitsRow } from './rows/p18-commits.ts'
import { readSystem, type System, serverAt } from './system.ts'
import { createTeardown } from './teardown.ts'

// Idle memory comes first: after the load of the other rows no service is idle.
const rows: readonly Row[] = [
  memoryRow,
  imageSizeRow,
  startRow,
  sessionRow,
  statusRow,
  helpRow,
  growthRow,
  copyRow,
  commitsRow,
  coldRunRow,
  warmRunRow,
  manyRunsRow,
  egressRow,
  gatewayRow,
  // Few runs are stored yet.
  requestsRow,
  serverGrowthRow,
  serverRunRow,
  openaiRow,
  serverRunsRow,
  streamsRow,
  hostileClientsRow,
  // They edit the allowlist of the stack that the others measure.
  editRow,
  listLengthRow,
]

const usage = `npm run bench -- [--row P3,P4] [--server] [--repetitions 10] [--files 20000] [--write]
       npm run bench -- --system FILE
       npm run bench -- --url http://127.0.0.1:8081 [--token TOKEN] [--worker CONTAINER]`

const { values } = parseArgs({
  options: {
    row: { type: 'string' },
    repetitions: { type: 'string', default: '10' },
    files: { type: 'string', default: '20000' },
    system: { type: 'string' },
    server: { type: 'boolean', default: false },
    url: { type: 'string' },
    token: { type: 'string', default: process.env.BENCH_TOKEN ?? '' },
    worker: { type: 'string' },
    write: { type: 'boolean', default: false },
    help: { type: 'boolean', default: false },
  },
})
if (values.help) console.log(usage)
else await main()

/** Sorts P rows before the others. */
function place({ row }: Figure) {
  return Number(row.slice(1)) + (row.startsWith('P') ? 0 : 1_000)
}

function openSystem(test: Test, wanted: readonly Row[]): Promise<System> | System {
  if (values.url !== undefined) return serverAt(values.url, values.token, values.worker)
  if (values.system !== undefined) return readSystem(values.system)
  return createOwnSystem(test, {
    stacks: !values.server && wanted.some(({ part }) => part !== 'server'),
    server: wanted.some(({ part }) => part !== undefined),
  })
}

async function main() {
  const repetitions = Number(values.repetitions)
  const files = Number(values.files)
  const wanted = rows
    .filter(({ id }) => values.row?.split(',').includes(id) ?? true)
    .filter(({ part }) => !values.server || part !== undefined)
  for (const stack of await removeLeftovers()) console.error(`removed ${stack} of a killed run`)
  // All that the test support and the rows make is below it.
  const folder = makeBenchFolder()
  process.env.TMPDIR = folder
  const teardown = createTeardown()
  teardown.test.teardown(() => rm(folder, { recursive: true, force: true }))
  const stop = () =>
    void endChildren()
      .then(() => teardown.run())
      .finally(() => process.exit(130))
  process.once('SIGINT', stop)
  process.once('SIGTERM', stop)
  const started = performance.now()
  const before = load()
  const figures: Figure[] = []
  try {
    console.error('setting up')
    const system = await openSystem(teardown.test, wanted)
    for (const row of wanted) {
      console.error(`measuring ${row.id}`)
      figures.push(...((await row.measure(system, repetitions, { files })) ?? []))
    }
    figures.sort((a, b) => place(a) - place(b))
    const minutes = ((performance.now() - started) / 60_000).toFixed(1)
    const report = [
      `# ${system.name}: results`,
      '',
      'Written by `npm run bench -- --write`; [README.md](README.md) says how to read it.',
      '',
      renderTable(figures),
      '',
      ...(await describeMachine()),
      `- ${new Date().toISOString().slice(0, 10)}, ${repetitions} repetitions or more, ${minutes} minutes; load ${before} before, ${load()} after`,
      '',
    ].join('\n')
    console.log(report)
    if (values.write) await writeFile(join(import.meta.dirname, 'RESULTS.md'), report)
  } finally {
    await teardown.run()
  }
}
