import { spawn } from 'node:child_process'
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { must } from '../../tests/support/stack/process.ts'
import { openCopyVolume } from '../copy-volume.ts'
import type { Figure } from '../figure.ts'
import { interleave, type Measurement } from '../interleave.ts'
import { load } from '../machine.ts'
import type { Row } from '../row.ts'

/** From this number of files on, a sample takes half a minute and writes a gigabyte. */
const many = 100_000
const samples = { few: 5, many: 2 }

/** A folder of many small files, copied in, compared and applied, against `tar | tar` on the same disk. */
export const copyRow: Row = {
  id: 'P16',
  async measure({ growth }, _repetitions, { files }) {
    if (!growth) return null
    const place = await mkdtemp(join(tmpdir(), 'claude-secure-bench-copy-'))
    const from = join(place, 'from')
    const changed = Math.ceil(files / 100)
    try {
      await writeTree(from, files)
      const copy = await openCopyVolume({ image: growth.image, from, place, changed })
      try {
        const measured = await interleave(files < many ? samples.few : samples.many, {
          taken: said('copy', () => copy.empty().then(() => settled(copy.take))),
          read: said('diff', () => settled(copy.read)),
          applied: said('apply', () => settled(copy.apply, copy.removeApplied)),
          tar: said('tar | tar', () => tarThere(place)),
        })
        const what = `${files.toLocaleString('en')} small files, against \`tar | tar\``
        const figure = (name: string, ours: readonly number[]): Figure => ({
          ...{ row: 'P16', what: `${name} of ${what}`, unit: 'ms', ours, baseline: measured.tar },
          target: { kind: 'ratio-at-most', ratio: 2 },
        })
        return [
          figure('copy', measured.taken),
          figure('diff', measured.read),
          figure(`apply of ${changed.toLocaleString('en')}`, measured.applied),
        ]
      } finally {
        await copy.close()
      }
    } finally {
      await rm(place, { recursive: true, force: true })
    }
  },
}

/** Reports each sample: a round over a large tree takes minutes, and a stopped run still says what it saw. */
function said(name: string, measure: Measurement): Measurement {
  return async () => {
    const time = await measure()
    console.error(`  ${name} ${Math.round(time)} ms, load ${load()}`)
    return time
  }
}

async function tarThere(place: string) {
  const to = join(place, 'to')
  await mkdir(to)
  return settled(
    () =>
      new Promise<void>((resolve, reject) => {
        const child = spawn('sh', ['-c', 'tar -C from -c . | tar -C to -x'], { cwd: place })
        child.once('error', reject)
        child.once('exit', code => (code === 0 ? resolve() : reject(new Error('tar failed'))))
      }),
    () => rm(to, { recursive: true }),
  )
}

/** Times `body` on a disk that has nothing left to write of the sample before. */
async function settled(body: () => Promise<unknown>, after?: () => Promise<void>): Promise<number> {
  await must('sync', [])
  const started = performance.now()
  await body()
  const time = performance.now() - started
  await after?.()
  return time
}

/** Files of 100 B to 4 KiB, 20 in a folder. */
async function writeTree(root: string, files: number) {
  const perFolder = 20
  for (let first = 0; first < files; first += perFolder) {
    const folder = join(root, `p${(first / perFolder) % 100}/m${Math.floor(first / 2_000)}/src`)
    await mkdir(folder, { recursive: true })
    for (let at = first; at < Math.min(first + perFolder, files); at++) {
      const text = `${at} `.padEnd(100 + ((at * 7919) % 4000), 'abc ')
      await writeFile(join(folder, `${at}.txt`), text)
    }
  }
}
