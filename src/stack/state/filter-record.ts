import { join } from 'node:path'
import * as z from 'zod'
import { parseJson } from '../../base/json.ts'
import type { Engine } from '../../engine/engine.ts'
import { readRegularFile } from '../../files/regular-file.ts'
import { replaceFile } from '../../files/replace-file.ts'
import { labels } from '../labels.ts'
import type { StateFolder } from './state-folder.ts'

/** The bridges whose filter was seen on, and when the stack's containers had started then. */
const FilterRecord = z.strictObject({ bridges: z.array(z.string()), started: z.array(z.string()) })
const Container = z.object({ State: z.object({ StartedAt: z.string() }) })

type Recorded = { identity: { name: string }; state: Pick<StateFolder, 'path'> }
type Asked = Pick<Engine, 'containers' | 'inspect'>

/**
 * Whether the filter was seen on since the containers started. For an engine whose bridges this process does
 * not see: a reboot of its machine makes new bridges, and starts every container again.
 */
export async function isRecorded(
  engine: Asked,
  stack: Recorded,
  bridges: readonly string[],
): Promise<boolean> {
  const file = await readRegularFile(recordPath(stack), { limit: 64 * 1024 })
  const record = FilterRecord.safeParse(file.kind === 'bytes' ? parseJson(`${file.bytes}`) : null)
  if (!record.success) return false
  const started = await startTimes(engine, stack.identity.name)
  return (
    bridges.every(name => record.data.bridges.includes(name)) &&
    started.some(time => record.data.started.includes(time))
  )
}

export async function recordFilter(
  engine: Asked,
  stack: Recorded,
  bridges: readonly string[],
): Promise<void> {
  const started = await startTimes(engine, stack.identity.name)
  const record: z.infer<typeof FilterRecord> = { bridges: [...bridges], started }
  await replaceFile(recordPath(stack), JSON.stringify(record))
}

async function startTimes(engine: Asked, stack: string) {
  const containers = await engine.containers([`${labels.stack}=${stack}`])
  const inspected = await Promise.all(
    containers.map(({ Id }) => engine.inspect(`/containers/${Id}/json`)),
  )
  return inspected.map(value => Container.parse(value).State.StartedAt)
}

function recordPath({ state }: Pick<Recorded, 'state'>) {
  return join(state.path, 'host-side.json')
}
