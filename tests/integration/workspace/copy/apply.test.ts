/** Changes that come back, the way they go back again, and what must not happen on either. */
import { createHash } from 'node:crypto'
import {
  chmod,
  chown,
  lstat,
  mkdir,
  mkdtemp,
  readdir,
  readFile,
  readlink,
  rename,
  rm,
  symlink,
  truncate,
  writeFile,
} from 'node:fs/promises'
import { dirname, join } from 'node:path'
import t, { type Test } from 'tap'
import { applySteps, makeApplyFolder } from '../../../../src/workspace/copy/apply.ts'
import type { Change } from '../../../../src/workspace/copy/changes.ts'
import type { Entry } from '../../../../src/workspace/copy/entry.ts'
import {
  appliesFolder,
  lastApply,
  pruneApplies,
  type Step,
} from '../../../../src/workspace/copy/journal.ts'
import { planApply } from '../../../../src/workspace/copy/plan.ts'
import { planUndo, undoSteps } from '../../../../src/workspace/copy/undo.ts'
import { memoryFolder } from '../../../support/memory-folder.ts'
import { repetitions } from '../../../support/soak.ts'

/** Content by which a file is told: `link:target` is a link, `x:…` an executable. */
type Content = string | undefined

function entryOf(content: Content): Entry | undefined {
  if (content === undefined) return undefined
  if (content.startsWith('link:')) return { type: 'link', target: content.slice(5) }
  const sha256 = createHash('sha256').update(content).digest('hex')
  return { type: 'file', sha256, executable: content.startsWith('x:'), size: content.length }
}

function change(path: string, before: Content, after: Content): Change {
  const kind = before === undefined ? 'added' : after === undefined ? 'deleted' : 'modified'
  const [old, next] = [entryOf(before), entryOf(after)]
  return { path, kind, ...(old && { before: old }), ...(next && { after: next }) }
}

async function put(root: string, path: string, content: Content) {
  const full = join(root, path)
  if (content === undefined) return
  await mkdir(dirname(full), { recursive: true })
  if (content.startsWith('link:')) return symlink(content.slice(5), full)
  await writeFile(full, content)
  if (content.startsWith('x:')) await chmod(full, 0o755)
}

async function get(root: string, path: string): Promise<Content> {
  const full = join(root, path)
  const status = await lstat(full).catch(() => null)
  if (status?.isSymbolicLink()) return `link:${await readlink(full)}`
  return status?.isFile() ? readFile(full, 'utf8') : undefined
}

/** Everything below, with modes: what an undo has to give back. */
async function snapshot(root: string): Promise<Record<string, string>> {
  const found: Record<string, string> = {}
  for (const name of (await readdir(root, { recursive: true })).sort()) {
    const status = await lstat(join(root, name))
    const content = status.isDirectory() ? 'folder' : await get(root, name)
    found[name] = `${status.isSymbolicLink() ? '' : (status.mode & 0o7777).toString(8)} ${content}`
  }
  return found
}

async function workspace(t: Test, files: Record<string, Content> = {}) {
  const place = await mkdtemp(join(memoryFolder(), 'claude-secure-apply-'))
  t.teardown(() => rm(place, { recursive: true, force: true }))
  const root = join(place, 'root')
  await mkdir(root)
  for (const [path, content] of Object.entries(files)) await put(root, path, content)
  return { place, root, statePath: join(place, 'state') }
}

type Place = { root: string; statePath: string }

/** As the command does it: staged by hash, conflicts left alone unless they are taken. */
async function applied(
  { root, statePath }: Place,
  contents: readonly (readonly [path: string, before: Content, after: Content])[],
  options: { takeCopy?: boolean; meanwhile?: () => Promise<void>; unstaged?: boolean } = {},
) {
  const plan = await planApply(
    root,
    contents.map(([path, before, after]) => change(path, before, after)),
  )
  const { folder, token, staging } = await makeApplyFolder(statePath, new Date())
  for (const [, , after] of contents) {
    const entry = entryOf(after)
    if (entry?.type === 'file' && after !== undefined && !options.unstaged)
      await writeFile(join(staging, entry.sha256), after)
  }
  await options.meanwhile?.()
  const steps = options.takeCopy
    ? plan.steps
    : plan.steps.filter(({ path }) => !plan.conflicts.has(path))
  const journal = {
    version: 1 as const,
    applied: '2026-01-01T00:00:00.000Z',
    taken: '2026-01-01T00:00:00.000Z',
    workspace: root,
    token,
    steps,
  }
  const sourceOf = ({ after }: Step) =>
    after?.type === 'file' && !options.unstaged ? join(staging, after.sha256) : undefined
  const outcome = await applySteps({ root, statePath, folder, journal, sourceOf }, () => {})
  return { plan, outcome, folder }
}

async function undone({ statePath }: Place) {
  const kept = await lastApply(statePath)
  if (!kept) throw new Error('nothing to undo')
  const plan = await planUndo(kept)
  const outcome = await undoSteps(kept, statePath, plan.steps, () => {})
  return { plan, outcome }
}

t.test('each state of host, copy and baseline: what comes of it, and back again', async t => {
  const states: Content[] = [undefined, 'one', 'two', 'x:one', 'link:elsewhere']
  for (const baseline of states) {
    for (const copy of states.filter(state => state !== baseline)) {
      for (const host of states) {
        const name = JSON.stringify({ baseline, copy, host })
        const place = await workspace(t, { 'sub/file': host, 'other.txt': 'other' })
        const before = await snapshot(place.root)
        const { plan } = await applied(place, [['sub/file', baseline, copy]])
        const expected = host === baseline ? copy : host
        t.equal(await get(place.root, 'sub/file'), expected, name)
        t.equal(plan.conflicts.has('sub/file'), host !== baseline && host !== copy, name)
        if (host === baseline) await undone(place)
        t.same(await snapshot(place.root), before, `undone: ${name}`)
        t.equal(await lastApply(place.statePath), null, 'nothing is left to undo')
      }
    }
  }
})

t.test('a conflict that is taken replaces the file of the host, and can be undone', async t => {
  for (const host of ['mine', 'link:mine', undefined]) {
    for (const copy of ['theirs', 'link:theirs', undefined].filter(state => state !== host)) {
      const place = await workspace(t, { a: host })
      await applied(place, [['a', 'before', copy]], { takeCopy: true })
      t.equal(await get(place.root, 'a'), copy)
      await undone(place)
      t.equal(await get(place.root, 'a'), host)
    }
  }
})

t.test('many files in new folders are all applied, reported once each, and undone', async t => {
  const place = await workspace(t, { 'p0/kept': 'kept' })
  if (process.getuid?.() === 0) await chown(place.root, 4242, 4242)
  const before = await snapshot(place.root)
  const paths = Array.from({ length: 300 }, (_, index) => `p${index % 7}/q${index % 31}/r/${index}`)
  const changes = paths.map(path => [path, undefined, `content of ${path}`] as const)
  const { outcome } = await applied(place, changes)
  t.same(outcome.refused, [])
  t.same(outcome.done.map(({ path }) => path).sort(), [...paths].sort())
  for (const [path, , content] of changes) {
    if ((await get(place.root, path)) !== content) t.fail(`${path} has another content`)
  }
  const owners = new Set<number>()
  for (const name of await readdir(place.root, { recursive: true })) {
    if (!name.startsWith('p0')) owners.add((await lstat(join(place.root, name))).uid)
  }
  t.same([...owners], [(await lstat(place.root)).uid], "folders and files are the owner's")
  await undone(place)
  t.same(await snapshot(place.root), before)
})

t.test('one folder that cannot be made refuses its own files and no others', async t => {
  const place = await workspace(t, { elsewhere: 'link:/tmp' })
  const names = Array.from({ length: 40 }, (_, index) => `${index}`)
  const { outcome } = await applied(
    place,
    names.map(name => [`${Number(name) % 2 ? 'good' : 'bad'}/in/${name}`, undefined, name]),
    { meanwhile: () => symlink('/tmp', join(place.root, 'bad')) },
  )
  t.equal(outcome.done.length, 20)
  t.equal(outcome.refused.length, 20)
  t.match(outcome.refused[0]?.error.message, /bad is not a folder on the host/)
})

t.test('files become folders and folders files, and back', async t => {
  const place = await workspace(t, { a: 'file', 'b/c/d': 'inner', 'b/c/e': 'inner', 'kept/x': 'x' })
  const before = await snapshot(place.root)
  const { outcome } = await applied(place, [
    ['a', 'file', undefined],
    ['a/in/side', undefined, 'new'],
    ['b', undefined, 'now a file'],
    ['b/c/d', 'inner', undefined],
    ['b/c/e', 'inner', undefined],
    ['kept/x', 'x', undefined],
    ['deep/er/y', undefined, 'x:run'],
  ])
  t.same(outcome.refused, [])
  t.equal(await get(place.root, 'a/in/side'), 'new')
  t.equal(await get(place.root, 'b'), 'now a file')
  t.equal(await lstat(join(place.root, 'kept')).catch(() => 'gone'), 'gone', 'as git does it')
  await undone(place)
  t.same(await snapshot(place.root), before)
})

t.test('a folder with files that the copy never had stays', async t => {
  const place = await workspace(t, { 'a/x': 'x', 'a/node_modules/y': 'y' })
  await applied(place, [['a/x', 'x', undefined]])
  t.equal(await get(place.root, 'a/node_modules/y'), 'y')
  const { outcome } = await applied(place, [['a/node_modules', undefined, 'a file']])
  t.match(outcome.refused, [{ error: { message: /is not applied: it is a folder on the host/ } }])
  t.equal(await get(place.root, 'a/node_modules/y'), 'y')
})

t.test('modes and owners stay; only the executable bit comes from the copy', async t => {
  const place = await workspace(t, { a: 'old', s: 'old', w: 'x:old' })
  await chmod(join(place.root, 'a'), 0o640)
  await chmod(join(place.root, 's'), 0o4755)
  await chmod(join(place.root, 'w'), 0o775)
  await applied(place, [
    ['a', 'old', 'x:new'],
    ['s', 'x:old', 'x:new'],
    ['w', 'x:old', 'x:new'],
    ['n', undefined, 'new'],
  ])
  const mode = async (name: string) => (await lstat(join(place.root, name))).mode & 0o7777
  t.equal(await mode('a'), 0o750)
  t.equal(await mode('w'), 0o775)
  t.equal(await mode('n'), 0o644)
  const { uid, gid } = await lstat(place.root)
  t.match(await lstat(join(place.root, 'n')), { uid, gid })
  await undone(place)
  t.equal(await mode('a'), 0o640)
})

t.test(
  'what is no file, leads outside or was not fetched is refused, the rest is applied',
  async t => {
    const place = await workspace(t, { 'outside/a.txt': 'safe' })
    await symlink(join(place.root, 'outside'), join(place.root, 'folder'))
    const links = [
      'link:/etc/passwd',
      'link:../../x',
      'link:../a/../../x',
      'link:up/../../b',
      'link:.a/..',
    ]
    for (const link of links) {
      const { plan } = await applied(place, [['a/l', undefined, link]])
      t.match(plan.refused, [{ error: { message: /outside the workspace/ } }], link)
    }
    for (const path of ['../x', '/etc/x', 'a/../../x', 'a\0b', '']) {
      const { plan } = await applied(place, [[path, undefined, 'x']])
      t.match(plan.refused, [{ error: { name: 'UserError' } }], JSON.stringify(path))
    }
    const { plan, outcome } = await applied(place, [
      ['folder/a.txt', 'safe', 'written'],
      ['folder/b.txt', undefined, 'written'],
      ['good.txt', undefined, 'good'],
      ['a/l', undefined, 'link:../b'],
    ])
    t.match(
      plan.refused.map(({ error }) => error.message),
      [/folder is not a folder on the host/, /folder is not a folder on the host/],
    )
    t.equal(outcome.done.length, 2)
    t.equal(await get(place.root, 'a/l'), 'link:../b')
    t.same(await readdir(join(place.root, 'outside')), ['a.txt'])
    t.equal(await get(place.root, 'outside/a.txt'), 'safe')
    const unstaged = await applied(place, [['new', undefined, 'x']], { unstaged: true })
    t.match(unstaged.outcome.refused, [{ error: { message: /changed in the copy meanwhile/ } }])
    t.equal(await lastApply(place.statePath).then(kept => kept?.journal.steps.length), 2)
  },
)

t.test('a file that changes between the look and the write is left alone', async t => {
  const place = await workspace(t, { a: 'old', b: 'old' })
  const edit = async () => writeFile(join(place.root, 'a'), 'edited')
  await t.rejects(
    applied(
      place,
      [
        ['a', 'old', 'new'],
        ['b', 'old', 'new'],
      ],
      { meanwhile: edit },
    ),
    { message: /a changed on the host a moment ago/, hint: /nothing was applied/ },
  )
  t.equal(await get(place.root, 'a'), 'edited')
  t.equal(await get(place.root, 'b'), 'old')
  t.equal(await lastApply(place.statePath), null)
})

t.test('undo tells files that changed since, and can leave them', async t => {
  const place = await workspace(t, { a: 'old', b: 'old', c: 'old' })
  await applied(place, [
    ['a', 'old', 'new'],
    ['b', 'old', 'new'],
    ['c', 'old', undefined],
    ['d', undefined, 'new'],
  ])
  await writeFile(join(place.root, 'a'), 'edited since')
  await writeFile(join(place.root, 'c'), 'made since')
  const { plan } = await undone(place)
  t.same(plan.conflicts.map(({ path }) => path).sort(), ['a', 'c'])
  t.equal(await get(place.root, 'a'), 'edited since')
  t.equal(await get(place.root, 'b'), 'old')
  t.equal(await get(place.root, 'c'), 'made since')
  t.equal(await get(place.root, 'd'), undefined)
})

t.test('several applies are undone one after the other', async t => {
  const place = await workspace(t, { a: '0' })
  for (const [before, after] of [
    ['0', '1'],
    ['1', '2'],
    ['2', '3'],
  ] as const) {
    await applied(place, [['a', before, after]])
    // Two within one millisecond would have an order by chance.
    await new Promise(resolve => setTimeout(resolve, 5))
  }
  for (const content of ['2', '1', '0']) {
    await undone(place)
    t.equal(await get(place.root, 'a'), content)
  }
  t.equal(await lastApply(place.statePath), null)
})

t.test('what is kept for undo is bounded, and the last apply always there', async t => {
  const place = await workspace(t, { a: '0' })
  for (let count = 0; count < 6; count++) {
    await applied(place, [['a', String(count), String(count + 1)]])
    await new Promise(resolve => setTimeout(resolve, 5))
  }
  const kept = async () => (await readdir(appliesFolder(place.statePath))).length
  await pruneApplies(place.statePath, { levels: 3, bytes: 1_000 })
  t.equal(await kept(), 3)
  await pruneApplies(place.statePath, { levels: 3, bytes: 0 })
  t.equal(await kept(), 1)
  await undone(place)
  t.equal(await get(place.root, 'a'), '5')
})

t.test('an apply that was killed in the middle can be undone, and can be done again', async t => {
  const contents = Array.from(
    { length: 6 },
    (_, at) => [`f${at}`, at % 2 ? `old ${at}` : undefined, `new ${at}`] as const,
  )
  for (const again of [false, true]) {
    const place = await workspace(t, Object.fromEntries(contents.map(([path, old]) => [path, old])))
    const before = await snapshot(place.root)
    const { plan, folder } = await applied(place, contents)
    // As it was after three of six: the journal whole, the rest as before, one file half written.
    for (const [path, old] of contents.slice(3)) {
      await rm(join(place.root, path))
      await put(place.root, path, old)
    }
    const { token } = JSON.parse(await readFile(join(folder, 'journal.json'), 'utf8'))
    await writeFile(join(place.root, `.claude-secure-${token}-3.tmp`), 'half')
    t.equal(plan.steps.length, 6)
    if (again) {
      const second = await applied(place, contents)
      t.equal(second.plan.present.length, 3)
      t.equal(second.outcome.done.length, 3)
      for (const [path, , after] of contents) t.equal(await get(place.root, path), after)
      await undone(place)
    }
    await undone(place)
    t.same(await snapshot(place.root), before, again ? 'done again' : 'undone')
  }
})

t.test('a journal that is cut off before anything was written is no apply', async t => {
  const place = await workspace(t, { a: '0' })
  const { folder } = await makeApplyFolder(place.statePath, new Date())
  t.equal(await lastApply(place.statePath), null)
  await writeFile(join(folder, 'journal.json'), '{"version":1')
  await t.rejects(lastApply(place.statePath), {
    message: /is damaged/,
    hint: /copy the previous files/,
  })
})

t.test('a folder that is swapped for a link all the time leads no byte outside', async t => {
  const place = await workspace(t, { 'folder/a': '0' })
  const outside = join(place.place, 'outside')
  await mkdir(outside)
  await writeFile(join(outside, 'a'), 'safe')
  const [folder, aside] = [join(place.root, 'folder'), join(place.root, 'aside')]
  let swapping = true
  const swap = (async () => {
    while (swapping) {
      await rename(folder, aside).catch(() => {})
      await symlink(outside, folder).catch(() => {})
      await rm(folder, { force: true }).catch(() => {})
      await rename(aside, folder).catch(() => {})
      // Leaves the folder in its place long enough for some rounds to write.
      await new Promise(resolve => setTimeout(resolve, 1))
    }
  })()
  let written = 0
  const rounds = repetitions({ short: 50, full: 3_000 })
  // On a busy machine, goes on until the folder was in its place once.
  for (let round = 0; round < rounds || (round < 20 * rounds && written === 0); round++) {
    const now = await readFile(join(folder, 'a'), 'utf8').catch(() => '0')
    const known = now === 'safe' ? '0' : now
    const result = await applied(place, [
      ['folder/a', known, `round ${round}`],
      ['folder/new', undefined, 'new'],
    ]).catch(() => null)
    written += result?.outcome.done.length ?? 0
  }
  swapping = false
  await swap
  t.same(await readdir(outside), ['a'])
  t.equal(await readFile(join(outside, 'a'), 'utf8'), 'safe')
  t.ok(written > 0, `${written} were written where they belong`)
})

t.test('Ctrl-C ends the reading of a sparse file of the host at once', async t => {
  const { root } = await workspace(t, { big: '' })
  await truncate(join(root, 'big'), 40 * 1024 ** 3)
  const controller = new AbortController()
  const cancelled = new Error('cancelled')
  const planning = planApply(root, [change('big', undefined, 'new')], controller.signal)
  setTimeout(() => controller.abort(cancelled), 20)
  await t.rejects(planning, cancelled)
})
