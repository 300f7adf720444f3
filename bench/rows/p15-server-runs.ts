import { setTimeout as sleep } from 'node:timers/promises'
import { interleave } from '../interleave.ts'
import type { Row } from '../row.ts'
import { runBare } from '../run-probe.ts'
import { createApiClient } from '../server/api-client.ts'
import { timed } from '../timed-command.ts'
import { refillMilliseconds } from './p06-server-run.ts'

const workspaces = ['bench-one', 'bench-two', 'bench-three', 'bench-four']
const runs = 8

/** Eight runs in four workspaces through the API, against eight bare programs at once. */
export const serverRunsRow: Row = {
  id: 'P15',
  part: 'server',
  async measure({ server }, repetitions) {
    if (!server?.worker) return null
    const { worker, prompt, root } = server
    const api = createApiClient(server)
    for (const name of workspaces) {
      await api.makeWorkspace(name)
      await api.run(name, prompt, 'fresh')
    }
    // A workspace has one run at a time.
    const inTurns = async (workspace: string) => {
      await api.run(workspace, prompt, 'fresh')
      for (let done = workspaces.length; done < runs; done += workspaces.length) {
        await api.run(workspace, prompt, 'continue')
      }
    }
    const folders = Array.from(
      { length: runs },
      (_, index) => `${root}/${workspaces[index % workspaces.length]}`,
    )
    // The pool starts its processes one after the other.
    const refilled = () => sleep(refillMilliseconds * 2)
    const samples = await interleave(repetitions, {
      async ours() {
        await refilled()
        return timed(() => Promise.all(workspaces.map(inTurns)))
      },
      async baseline() {
        await refilled()
        return runBare(worker, { prompt, folders, until: 'end' })
      },
    }).finally(api.close)
    return [
      {
        row: 'P15',
        what: 'server: 8 runs over 4 workspaces, against 8 `claude -p` at once',
        unit: 'ms',
        ...samples,
        target: { kind: 'ratio-at-most', ratio: 0.5 },
      },
    ]
  },
}
