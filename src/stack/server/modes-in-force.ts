import * as z from 'zod'
import { modesOf, type ServerMode } from '../../config/server-modes.ts'
import type { Engine } from '../../engine/engine.ts'

const Container = z.object({ Config: z.object({ Env: z.array(z.string()).nullish() }) })

/** Returns what a server does, by the environment of its container; the settings may be newer. */
export async function readModesInForce(
  engine: Pick<Engine, 'inspect'>,
  container: string,
): Promise<ServerMode[]> {
  const found = await engine.inspect(`/containers/${encodeURIComponent(container)}/json`)
  const variables = Container.parse(found).Config.Env ?? []
  const [value = ''] = variables.flatMap(text => /^MODES=(.*)$/s.exec(text)?.[1] ?? [])
  return modesOf(value)
}
