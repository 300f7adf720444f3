import { UserError } from '../base/errors.ts'
import type { Engine } from '../engine/engine.ts'

/** The newest of our images of this name that is there, for work that any of them can do. */
export async function anyImage(engine: Engine, name: 'claude' | 'gateway'): Promise<string> {
  const images = await engine.images(`claude-secure/${name}`)
  const [newest] = images.toSorted((a, b) => b.Created - a.Created)
  if (newest) return newest.Id
  throw new UserError(`there is no claude-secure/${name} image to look into volumes with`, {
    hint: './claude.ts setup builds it',
  })
}
