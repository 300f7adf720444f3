import { readRegularFile } from '../../files/regular-file.ts'
import { replaceFile } from '../../files/replace-file.ts'
import type { StateFolder } from './state-folder.ts'

/**
 * By what a container that the engine restarts can tell that the host's filter is on (threat N19): the boot of the
 * machine in which it was seen on, and an address of the host that answers ARP where it is off.
 */
export type FilterEvidence = { boot: string | null; ask: string | null }

type Written = Pick<StateFolder, 'filter'>

/** Seconds; longer than a start takes. A start that was killed permits nothing after that. */
const permitted = 300

/** Permits the agent's containers to start before the filter is on: their networks do not exist earlier. */
export async function permitStart(state: Written, now = Date.now()): Promise<void> {
  await write(state, `starting ${Math.ceil(now / 1000) + permitted}\n`)
}

/** Writes the evidence for the next time that the engine starts the agent's containers. */
export async function writeFilterEvidence(
  state: Written,
  { boot, ask }: FilterEvidence,
): Promise<void> {
  const text = [...(boot ? [`boot ${boot}\n`] : []), ...(ask ? [`ask ${ask}\n`] : [])].join('')
  const file = await readRegularFile(state.filter, { limit: 4096 })
  if (file.kind === 'bytes' && file.bytes.toString() === text) return
  await write(state, text)
}

/** The agent's user reads it, regardless of the umask. */
async function write(state: Written, text: string) {
  await replaceFile(state.filter, text, { mode: 0o644 })
}
