/** Names are bytes from the host to the copy, to a patch, and back (H7). */
import { spawn, spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import {
  chmodSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import t, { type Test } from 'tap'
import { terminalLine } from '../../../../src/base/terminal-text.ts'
import { bytesOfName, nameOfBytes, systemPath } from '../../../../src/files/byte-names.ts'
import { applySteps, makeApplyFolder } from '../../../../src/workspace/copy/apply.ts'
import { readBaseline, renderBaseline } from '../../../../src/workspace/copy/baseline.ts'
import { copyChanges } from '../../../../src/workspace/copy/changes.ts'
import type { Tree } from '../../../../src/workspace/copy/entry.ts'
import { lastApply } from '../../../../src/workspace/copy/journal.ts'
import { packWorkspace } from '../../../../src/workspace/copy/pack.ts'
import { planApply } from '../../../../src/workspace/copy/plan.ts'
import { changeLine, displayPath } from '../../../../src/workspace/copy/render-patch.ts'
import { planUndo, undoSteps } from '../../../../src/workspace/copy/undo.ts'
import { readCopy } from '../../../../src/workspace/copy/unpack.ts'
import { findLooseModes } from '../../../../src/workspace/host-files/modes.ts'
import { scanHostFiles } from '../../../../src/workspace/host-files/scan.ts'
import { memoryFolder } from '../../../support/memory-folder.ts'

const latin = (text: string) => Buffer.from(text, 'latin1')
const hash = (text: string) => createHash('sha256').update(text).digest('hex')

function scratch(t: Test) {
  const folder = mkdtempSync(join(memoryFolder(), 'claude-secure-bytes-'))
  t.teardown(() => rmSync(folder, { recursive: true, force: true }))
  return folder
}

const at = (root: string, name: Buffer) => Buffer.concat([Buffer.from(`${root}/`), name])

/** Every name below a folder, as hex, with its content. */
function listing(root: string): string[] {
  const found: string[] = []
  const walk = (inside: Buffer) => {
    const folder = inside.length > 0 ? at(root, inside) : Buffer.from(root)
    for (const name of readdirSync(folder, { encoding: 'buffer' })) {
      const path = inside.length > 0 ? Buffer.concat([inside, Buffer.from('/'), name]) : name
      const status = lstatSync(at(root, path))
      if (status.isDirectory()) walk(path)
      else if (status.isSymbolicLink()) {
        found.push(
          `${path.toString('hex')} -> ${readlinkSync(at(root, path), 'buffer').toString('hex')}`,
        )
      } else found.push(`${path.toString('hex')} ${readFileSync(at(root, path), 'utf8')}`)
    }
  }
  walk(Buffer.alloc(0))
  return found.sort()
}

function fill(root: string) {
  mkdirSync(at(root, latin('f\xf6lder')))
  writeFileSync(at(root, latin('caf\xe9')), 'latin-1')
  writeFileSync(at(root, latin('caf\xe8')), 'another')
  writeFileSync(join(root, 'café'), 'utf-8')
  writeFileSync(join(root, 'caf\uFFFD'), 'the replacement character itself')
  writeFileSync(at(root, latin('f\xf6lder/\xff\xfe')), 'inside')
  writeFileSync(at(root, latin(`f\xf6lder/${'long\xe9'.repeat(40)}`)), 'more than a header holds')
  symlinkSync(latin('f\xf6lder/\xff\xfe'), at(root, latin('l\xecnk')))
  writeFileSync(join(root, 'plain'), 'plain')
}

/** Returns the tar of a folder by GNU tar, as the engine sends it. */
function tarOf(root: string, format: string): Readable {
  const { stdout, status, stderr } = spawnSync(
    'tar',
    ['--create', `--format=${format}`, '--transform=s,^\\.,workspace,S', '--directory', root, '.'],
    { maxBuffer: 1 << 28 },
  )
  if (status !== 0) throw new Error(stderr.toString())
  return Readable.from([stdout])
}

async function treeOf(tar: Readable): Promise<Tree> {
  const tree: Tree = new Map()
  for await (const { path, entry } of readCopy(tar, () => null)) tree.set(path, entry)
  return tree
}

t.test('any bytes make one name, and come back', async t => {
  const names = ['plain', 'café', '\uFFFD', '😀', 'a\u{10ffff}'].map(name => Buffer.from(name))
  for (const hex of [
    'ff',
    'e9',
    'c3',
    'c328',
    'edb2a9',
    'f0288c28',
    'f09f98',
    '61e962c3a9ff',
    'f5808080',
    'c080',
    'eda080edb080',
  ]) {
    names.push(Buffer.from(hex, 'hex'))
  }
  const texts = names.map(nameOfBytes)
  t.equal(new Set(texts).size, names.length)
  for (const [index, text] of texts.entries()) {
    t.ok(bytesOfName(text).equals(names[index] ?? latin('')), names[index]?.toString('hex') ?? '')
    t.equal(JSON.parse(JSON.stringify(text)), text)
    t.equal(
      typeof systemPath(text),
      /[\udc80-\udcff]/.test(text.replace(/[\ud800-\udbff]./g, '')) ? 'object' : 'string',
    )
  }
  t.equal(displayPath(nameOfBytes(latin('caf\xe9\x1b'))), 'caf\\xE9^[')
  t.equal(terminalLine(nameOfBytes(latin('caf\xe9\x1b[2J'))), 'caf\\xE9')
})

t.test('a folder with such names is packed as it is', async t => {
  const [root, copy] = [scratch(t), scratch(t)]
  fill(root)
  const { tar, packed } = packWorkspace(root, {
    uid: process.getuid?.() ?? 0,
    gid: process.getgid?.() ?? 0,
  })
  const child = spawn('tar', ['--extract', '--directory', copy], {
    stdio: ['pipe', 'inherit', 'inherit'],
  })
  const ended = new Promise(resolve => child.once('close', resolve))
  await pipeline(tar, child.stdin)
  t.equal(await ended, 0)
  t.same(listing(copy), listing(root))
  t.same((await packed).passedOver, [])
  t.equal((await packed).tree.size, 8)
})

for (const format of ['pax', 'gnu']) {
  t.test(`a copy is compared by bytes, applied and undone (${format})`, async t => {
    const [root, copy, state] = [scratch(t), scratch(t), scratch(t)]
    for (const folder of [root, copy]) fill(folder)
    const before = await treeOf(tarOf(root, format))
    t.equal(before.size, 8)
    const path = join(state, 'baseline.json')
    writeFileSync(
      path,
      renderBaseline({
        taken: '2026-01-01T00:00:00.000Z',
        tree: before,
        leftOut: [],
        rules: { excludes: [], files: [], repositories: [], user: '' },
      }),
    )
    const baseline = (await readBaseline(path))?.tree ?? new Map()
    t.same(copyChanges(baseline, await treeOf(tarOf(copy, format))), [], 'nothing changed')

    writeFileSync(at(copy, latin('caf\xe9')), 'changed')
    rmSync(at(copy, latin('caf\xe8')))
    mkdirSync(at(copy, latin('n\xe9w')))
    writeFileSync(at(copy, latin('n\xe9w/\x80')), 'new')
    writeFileSync(at(copy, latin('n\xe9w/\x81')), 'other')
    symlinkSync(latin('n\xe9w/\x80'), at(copy, latin('to\xe9')))
    const changes = copyChanges(baseline, await treeOf(tarOf(copy, format)))
    t.same(
      changes.map(changeLine),
      ['M caf\\xE9', 'D caf\\xE8', 'A n\\xE9w/\\x80', 'A n\\xE9w/\\x81', 'A to\\xE9'].sort(
        (a, b) => (a.slice(2) < b.slice(2) ? -1 : 1),
      ),
    )

    const whole = listing(root)
    const plan = await planApply(root, changes)
    t.same([plan.refused, [...plan.conflicts]], [[], []])
    const { folder, token, staging } = await makeApplyFolder(state, new Date())
    for (const text of ['changed', 'new', 'other']) writeFileSync(join(staging, hash(text)), text)
    const now = '2026-01-01T00:00:00.000Z'
    const journal = {
      version: 1 as const,
      applied: now,
      taken: now,
      workspace: root,
      token,
      steps: plan.steps,
    }
    const outcome = await applySteps(
      {
        root,
        statePath: state,
        folder,
        journal,
        sourceOf: ({ after }) => (after?.type === 'file' ? join(staging, after.sha256) : undefined),
      },
      () => {},
    )
    t.same(outcome.refused, [])
    t.same(listing(root), listing(copy))
    const kept = await lastApply(state)
    if (!kept) throw new Error('nothing is kept')
    const { steps, conflicts } = await planUndo(kept)
    t.equal(conflicts.length, 0)
    t.same((await undoSteps(kept, state, steps, () => {})).refused, [])
    t.same(listing(root), whole)
  })
}

t.test('the list of files that run, and setuid bits, are found below such a folder', async t => {
  const root = scratch(t)
  mkdirSync(at(root, latin('\xff')))
  writeFileSync(at(root, latin('\xff/Makefile')), 'all:')
  chmodSync(at(root, latin('\xff/Makefile')), 0o4755)
  const { files } = await scanHostFiles(root)
  t.same(
    [...files.keys()].map(path => terminalLine(path)),
    ['\\xFF/Makefile'],
  )
  t.equal(
    (await findLooseModes(root, 0)).setuid.map(path => terminalLine(path)).join(),
    '\\xFF/Makefile',
  )
})

t.test('an archive that is cut anywhere is not taken for a whole one', async t => {
  const root = scratch(t)
  fill(root)
  const whole = Buffer.concat(await tarOf(root, 'pax').toArray())
  for (let size = 0; size < whole.length - 10_240; size += 700) {
    await t.rejects(treeOf(Readable.from([whole.subarray(0, size)])), `${size}`)
  }
  const damaged = Buffer.from(whole)
  damaged[3] = 0x41
  await t.rejects(treeOf(Readable.from([damaged])))
  for (const chunk of [1, 511, 513]) {
    const parts = Array.from({ length: Math.ceil(whole.length / chunk) }, (_, index) =>
      whole.subarray(index * chunk, (index + 1) * chunk),
    )
    t.equal((await treeOf(Readable.from(parts))).size, 8)
  }
})
