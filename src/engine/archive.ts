import { Readable } from 'node:stream'
import type { EngineAddress } from './engine-request.ts'

/**
 * Files in and out of a container as a tar stream, through the engine and not through a program in
 * the container: what comes out was not packed by the agent, and it works while nothing runs.
 */
export function createArchive(address: EngineAddress) {
  // A fifth of a second to load, and only a copy needs it.
  const open = async (container: string) => {
    const { default: Dockerode } = await import('dockerode')
    return new Dockerode(address).getContainer(container)
  }
  return {
    /** Unpacks `tar` into `folder`; owners and modes are those of the tar entries. */
    async put(container: string, folder: string, tar: AsyncIterable<unknown>) {
      const stream = Readable.from(tar, { objectMode: false })
      await (await open(container)).putArchive(stream, { path: folder })
    },

    /** `folder` and all below it, names beginning with the folder's own name. */
    async get(container: string, folder: string): Promise<Readable> {
      const stream = await (await open(container)).getArchive({ path: folder })
      return stream as Readable
    },
  }
}
export type Archive = ReturnType<typeof createArchive>
