import { setTimeout as sleep } from 'node:timers/promises'
import { interleave } from '../interleave.ts'
import type { Row } from '../row.ts'
import { runBare } from '../run-probe.ts'
import { createApiClient } from '../server/api-client.ts'
import { timed } from '../timed-command.ts'

const workspace = 'bench-one'

/** For the next process to be started after a run, and to be ready for a prompt. */
export const refillMilliseconds = 3_000

/** `POST /run` at the published port, against the bare program in the same container. */
export const serverRunRow: Row = {
  id: 'P6',
  part: 'server',
  async measure({ server }, repetitions) {
    if (!server?.worker) return null
    const { worker, prompt, root } = server
    const api = createApiClient(server)
    await api.makeWorkspace(workspace)
    const samples = await interleave(repetitions, {
      async fresh() {
        await api.run(workspace, prompt, 'fresh')
        await sleep(refillMilliseconds)
        return timed(() => api.run(workspace, prompt, 'fresh'))
      },
      async turn() {
        await api.run(workspace, prompt, 'continue')
        return timed(() => api.run(workspace, prompt, 'continue'))
      },
      async cold() {
        // Not while the pool starts its next process.
        await sleep(refillMilliseconds)
        return runBare(worker, { prompt, folders: [`${root}/${workspace}`], until: 'end' })
      },
    }).finally(api.close)
    const common = { row: 'P6', unit: 'ms', baseline: samples.cold } as const
    return [
      {
        ...common,
        what: 'server: `POST /run`, warm, against cold `claude -p`',
        ours: samples.fresh,
        target: { kind: 'ratio-at-most', ratio: 0.35 },
      },
      {
        ...common,
        what: 'server: `POST /run`, a later turn of its session, against cold `claude -p`',
        ours: samples.turn,
        target: { kind: 'ratio-at-most', ratio: 0.15 },
      },
    ]
  },
}
