import { command } from '../../base/command.ts'
import { UserError } from '../../base/errors.ts'
import type { Engine } from '../../engine/engine.ts'

/** Returns the id of our newest image of this name, for work that any version can do. */
export async function newestImage(engine: Engine, name: 'claude' | 'gateway'): Promise<string> {
  const images = await engine.images(`claude-secure/${name}`)
  const [newest] = images.toSorted((a, b) => b.Created - a.Created)
  if (newest) return newest.Id
  throw new UserError(`cannot read volumes: the image claude-secure/${name} is missing`, {
    hint: `run ${command('setup')} to build it`,
  })
}
