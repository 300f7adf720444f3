import { createHash } from 'node:crypto'
import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import t, { type Test } from 'tap'
import { pack } from 'tar-stream'
import type { Archive } from '../../../src/engine/archive.ts'
import { readCopyChanges, readCopyItems, stageContents } from '../../../src/stack/read-copy.ts'
import type { StateFolder } from '../../../src/stack/state/state-folder.ts'
import { renderBaseline } from '../../../src/workspace/copy/baseline.ts'
import type { Entry, Tree } from '../../../src/workspace/copy/entry.ts'
import { baselinePath } from '../../../src/workspace/copy/record.ts'
import { noIgnoreRules } from '../../../src/workspace/ignore/rules.ts'

const sha256 = (content: string | Buffer) => createHash('sha256').update(content).digest('hex')
const entry = (content: string): Entry => ({
  type: 'file',
  sha256: sha256(content),
  executable: false,
  size: content.length,
})

/** A copy with a baseline; counts how often the engine had to send it. */
async function copyOf(t: Test, baseline: Record<string, string>, files: Record<string, string>) {
  const state = { path: t.testdir({ staging: {} }) } as StateFolder
  const tree: Tree = new Map(Object.entries(baseline).map(([path, text]) => [path, entry(text)]))
  const taken = new Date().toISOString()
  const rules = noIgnoreRules
  await writeFile(baselinePath(state), renderBaseline({ taken, tree, leftOut: [], rules }))
  const read = { times: 0 }
  const get = async () => {
    read.times++
    const tar = pack()
    for (const [name, text] of Object.entries(files)) tar.entry({ name: `workspace/${name}` }, text)
    tar.finalize()
    return Readable.from(tar, { objectMode: false })
  }
  const archive = { get } as unknown as Archive
  return { context: { archive, container: 'c', state }, staging: join(state.path, 'staging'), read }
}

t.test('the contents of changed files are kept from the first reading', async t => {
  const { context, staging, read } = await copyOf(
    t,
    { same: 'same', edited: 'old', '.git/index': 'old' },
    { same: 'same', edited: 'new', added: 'added', '.git/index': 'new' },
  )
  const found = await readCopyChanges(context, { contents: true })
  t.same([...(found?.contents.keys() ?? [])], ['edited', 'added'], 'not those of git')
  const { tree = new Map(), contents = new Map() } = found ?? {}
  const wanted = new Set([sha256('new'), sha256('added')])
  t.same(await stageContents({ ...context, contents }, tree, wanted, staging), wanted)
  t.equal(await readFile(join(staging, sha256('new')), 'utf8'), 'new')
  t.equal(read.times, 1)
})

t.test('contents that were not kept are read again', async t => {
  const large = 'x'.repeat(5 * 1024 * 1024)
  const { context, staging, read } = await copyOf(t, {}, { large, small: 'small' })
  const found = await readCopyChanges(context, { contents: true })
  const { tree = new Map(), contents = new Map() } = found ?? {}
  t.same([...contents.keys()], ['small'])
  const wanted = new Set([sha256(large), sha256('small')])
  t.same(await stageContents({ ...context, contents }, tree, wanted, staging), wanted)
  t.equal(sha256(await readFile(join(staging, sha256(large)))), sha256(large))
  t.equal(read.times, 2)
})

t.test('no contents are kept unless they are requested, and no more than 64 MiB', async t => {
  const file = 'x'.repeat(4 * 1024 * 1024)
  const files = Object.fromEntries(Array.from({ length: 18 }, (_, at) => [`f${at}`, file]))
  const { context } = await copyOf(t, {}, files)
  t.equal((await readCopyChanges(context))?.contents.size, 0)
  const found = await readCopyChanges(context, { contents: true })
  t.equal(found?.changes.length, 18)
  t.equal(found?.contents.size, 16)
})

/** The engine ends an archive in a file that shrank while it was read; `cut` counts such readings. */
async function movingCopy(t: Test, cut: number, bytes = 5_000) {
  const files = { kept: 'kept', moving: 'x'.repeat(10_000), last: 'last' }
  const { context, staging, read } = await copyOf(t, { ...files, moving: 'old' }, files)
  const { get } = context.archive
  const cutOff = async (...args: Parameters<Archive['get']>) => {
    const chunks: Buffer[] = []
    for await (const chunk of await get(...args)) chunks.push(chunk)
    const whole = Buffer.concat(chunks)
    return Readable.from([read.times <= cut ? whole.subarray(0, bytes) : whole])
  }
  const archive = { ...context.archive, get: cutOff } as Archive
  return { context: { ...context, archive }, staging, read }
}

t.test('an archive that ends in a file is read again, and no file counts as deleted', async t => {
  const { context, read } = await movingCopy(t, 2)
  const found = await readCopyChanges(context, { contents: true })
  t.equal(read.times, 3)
  t.same(
    found?.changes.map(({ kind, path }) => `${kind} ${path}`),
    ['modified moving'],
  )
})

t.test('an archive that ends between two files is read again too', async t => {
  const { context, read } = await movingCopy(t, 1, 1_024)
  t.same(
    (await readCopyChanges(context))?.changes.map(({ kind, path }) => `${kind} ${path}`),
    ['modified moving'],
  )
  t.equal(read.times, 2)
})

t.test('a file that shrinks at each reading is named', async t => {
  const { context, read } = await movingCopy(t, 9)
  await t.rejects(readCopyChanges(context), {
    message: 'moving in the copy shrank each time that it was read',
    hint: /wait until the agent pauses/,
  })
  t.equal(read.times, 4)
})

t.test('contents are staged across an archive that ends early', async t => {
  const { context, staging } = await movingCopy(t, 1)
  const moving = 'x'.repeat(10_000)
  const tree: Tree = new Map([
    ['kept', entry('kept')],
    ['moving', entry(moving)],
  ])
  const wanted = new Set([sha256('kept'), sha256(moving)])
  const staged = await stageContents({ ...context, contents: new Map() }, tree, wanted, staging)
  t.same(staged, wanted)
  t.equal(await readFile(join(staging, sha256(moving)), 'utf8'), moving)
})

t.test('an error of the engine is not read again', async t => {
  const { context, read } = await copyOf(t, {}, { a: 'a' })
  const get = async () => {
    read.times++
    async function* broken() {
      yield Buffer.alloc(100)
      throw new Error('connection lost')
    }
    return Readable.from(broken())
  }
  const archive = { get } as unknown as Archive
  await t.rejects(readCopyChanges({ ...context, archive }), { message: 'connection lost' })
  t.equal(read.times, 1)
})

t.test('progress counts what was read, also of a copy without changes', async t => {
  const files = { 'a.txt': 'one', 'b/c.txt': 'three' }
  const { context } = await copyOf(t, files, files)
  const counts: number[][] = []
  await readCopyChanges(context, { progress: (...read) => void counts.push(read) })
  t.same(
    counts,
    [
      [0, 3],
      [1, 3],
      [1, 8],
      [2, 8],
    ],
    'within a file too, which may be large',
  )
})

/** An archive with a file of 40 GiB of zeros, as the engine sends a sparse one: it never ends by itself. */
function endless(size: number) {
  const sent = { bytes: 0 }
  const get = async (_container: string, _folder: string, signal?: AbortSignal) => {
    const header = pack()
    header.on('error', () => {})
    header.entry({ name: 'workspace/big', size }, () => {})
    const stream = async function* () {
      yield (await (header as AsyncIterable<Buffer>)[Symbol.asyncIterator]().next()).value as Buffer
      const chunk = Buffer.alloc(64 * 1024)
      for (;;) {
        await new Promise(resolve => setImmediate(resolve))
        if (signal?.aborted) throw signal.reason
        sent.bytes += chunk.length
        yield chunk
      }
    }
    return Readable.from(stream(), { objectMode: false })
  }
  return { archive: { get } as unknown as Archive, sent }
}

t.test('Ctrl-C ends the reading of a sparse file at once', async t => {
  const { archive, sent } = endless(40 * 1024 ** 3)
  const controller = new AbortController()
  const cancelled = new Error('cancelled')
  const reading = readCopyItems(
    { archive, container: 'c', signal: controller.signal },
    () => null,
    () => {},
  )
  setTimeout(() => controller.abort(cancelled), 20)
  await t.rejects(reading, cancelled)
  t.ok(sent.bytes > 0 && sent.bytes < 40 * 1024 ** 3, `${sent.bytes} bytes were read`)
})

t.test('a huge file of the agent is refused by name before it is read', async t => {
  const { context } = await copyOf(t, {}, {})
  const { archive, sent } = endless(40 * 1024 ** 3)
  const refused = await readCopyChanges({ ...context, archive }).catch(error => error)
  t.match(refused, {
    message: 'the agent made big in the copy as large as 40 GiB, more than 4 GiB',
    hint: /remove it or make it smaller/,
  })
  t.ok(sent.bytes < 16 * 1024 ** 2, `${sent.bytes} bytes were read`)
})
