import { spawn } from 'node:child_process'
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { userEnvironment } from '../../src/config/environment.ts'
import { createArchive } from '../../src/engine/archive.ts'
import type { EngineAddress } from '../../src/engine/engine-request.ts'
import { findEngine } from '../../src/engine/find-engine.ts'
import type { Tree } from '../../src/workspace/copy/entry.ts'
import { packWorkspace } from '../../src/workspace/copy/pack.ts'
import { readCopy } from '../../src/workspace/copy/unpack.ts'
import { must } from '../../tests/support/stack/process.ts'
import type { Figure } from '../figure.ts'
import { interleave } from '../interleave.ts'
import type { Row } from '../row.ts'

/** Files of 100 B to 4 KiB. Each sample writes and removes all of them on each side. */
const files = Number(process.env.BENCH_COPY_FILES ?? 20_000)
const samples = 5
const owner = { uid: 1000, gid: 1000 }

/** A folder of many small files, copied in and compared, against `tar | tar` on the same disk. */
export const copyRow: Row = {
  id: 'P16',
  async measure({ growth }) {
    const { found } = await findEngine(userEnvironment())
    if (!growth || !found) return null
    const place = await mkdtemp(join(tmpdir(), 'claude-secure-bench-copy-'))
    try {
      await writeTree(join(place, 'from'))
      const measured = await interleave(samples, {
        ...copyThere(growth.image, found.address, join(place, 'from')),
        tar: () => tarThere(place),
      })
      const what = `${files.toLocaleString('en')} small files`
      const figure = { row: 'P16', unit: 'ms', baseline: measured.tar } as const
      const target = { kind: 'ratio-at-most', ratio: 2 } as const
      return [
        { ...figure, what: `copy of ${what}, against \`tar | tar\``, ours: measured.taken, target },
        { ...figure, what: `diff of ${what}, against \`tar | tar\``, ours: measured.read, target },
      ] satisfies Figure[]
    } finally {
      await rm(place, { recursive: true })
    }
  },
}

/** Measures a copy into a new volume, and a reading of that volume afterwards. */
function copyThere(image: string, address: EngineAddress, from: string) {
  const archive = createArchive(address)
  const inContainer = async (body: (container: string) => Promise<number>) => {
    const create = ['create', '--network', 'none', '--pull', 'never', '--volume', '/workspace']
    const container = (await must('docker', [...create, image, 'true'])).trim()
    try {
      return await body(container)
    } finally {
      await must('docker', ['rm', '--force', '--volumes', container])
    }
  }
  const take = async (container: string) => {
    const { tar, packed } = packWorkspace(from, owner)
    await Promise.all([packed, archive.put(container, '/workspace', tar)])
  }
  const read = async (container: string) => {
    const tree: Tree = new Map()
    const items = readCopy(await archive.get(container, '/workspace'), () => null)
    for await (const { path, entry } of items) tree.set(path, entry)
    if (tree.size !== files) throw new Error(`the copy has ${tree.size} files instead of ${files}`)
  }
  return {
    taken: () => inContainer(container => timeOf(() => take(container))),
    read: () =>
      inContainer(async container => {
        await take(container)
        return timeOf(() => read(container))
      }),
  }
}

async function tarThere(place: string) {
  await mkdir(join(place, 'to'))
  try {
    return await timeOf(
      () =>
        new Promise<void>((resolve, reject) => {
          const child = spawn('sh', ['-c', 'tar -C from -c . | tar -C to -x'], { cwd: place })
          child.once('error', reject)
          child.once('exit', code => (code === 0 ? resolve() : reject(new Error('tar failed'))))
        }),
    )
  } finally {
    await rm(join(place, 'to'), { recursive: true })
  }
}

async function timeOf(body: () => Promise<unknown>): Promise<number> {
  const started = performance.now()
  await body()
  return performance.now() - started
}

async function writeTree(root: string) {
  const perFolder = 20
  for (let first = 0; first < files; first += perFolder) {
    const folder = join(root, `p${(first / perFolder) % 100}/m${Math.floor(first / 2_000)}/src`)
    await mkdir(folder, { recursive: true })
    for (let at = first; at < Math.min(first + perFolder, files); at++) {
      await writeFile(
        join(folder, `${at}.txt`),
        `${at} `.padEnd(100 + ((at * 7919) % 4000), 'abc '),
      )
    }
  }
}
