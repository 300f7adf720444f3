import { settingsInEnvironment } from '../../config/setting-names.ts'
import type { ExecStream } from '../../engine/exec-stream.ts'
import { rememberedStack, type StackAgent } from '../../operations/remembered-stack/memory.ts'
import { runsAsLeft } from '../../operations/remembered-stack/runs-as-left.ts'
import { startHere } from '../../operations/start/start-here.ts'
import { serviceOfRuns } from '../../stack/services.ts'
import type { Invocation } from '../invocation.ts'

/** Finds or starts the worker of the current folder; `client` waits in it for a request. */
export async function workerHere(
  { copy = false }: { copy?: boolean },
  invocation: Invocation,
): Promise<{ worker: StackAgent; client: ExecStream | null }> {
  const early = copy ? null : invocation.earlyClient
  if (early) return { worker: early.worker, client: early.exec }
  const known = copy ? null : await rememberedStack(settingsInEnvironment(), serviceOfRuns)
  if (known && (await runsAsLeft(known, serviceOfRuns))) return { worker: known, client: null }
  const { agent } = await startHere(serviceOfRuns, invocation, { copy })
  return { worker: agent, client: null }
}
