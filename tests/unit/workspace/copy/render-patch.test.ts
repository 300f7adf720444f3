import { mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import t from 'tap'
import type { Change } from '../../../../src/workspace/copy/changes.ts'
import type { Entry } from '../../../../src/workspace/copy/entry.ts'
import {
  changeLine,
  displayPath,
  findRenames,
  renderPatch,
} from '../../../../src/workspace/copy/render-patch.ts'
import { must } from '../../../support/stack/process.ts'

const file = (sha256: string, executable = false, size = 3): Entry => ({
  type: 'file',
  sha256,
  executable,
  size,
})
const text = (content: string) => Buffer.from(content)

t.test('a patch is one that git applies', async t => {
  // In no repository: there git takes paths from the top of it.
  const root = await mkdtemp(join(tmpdir(), 'claude-secure-patch-'))
  t.teardown(() => rm(root, { recursive: true, force: true }))
  const files = { 'a.txt': 'one\ntwo\nthree', 'gone.txt': 'x\n', 'run.sh': '#!/bin/sh\n' }
  for (const [name, content] of Object.entries(files)) await writeFile(join(root, name), content)
  const patch = [
    renderPatch(
      { path: 'a.txt', kind: 'modified', before: file('1'), after: file('2', true) },
      text('one\ntwo\nthree'),
      text('one\nTWO\nthree\n'),
    ),
    renderPatch({ path: 'gone.txt', kind: 'deleted', before: file('3') }, text('x\n'), null),
    renderPatch({ path: 'new/b', kind: 'added', after: file('4') }, null, text('new\r\n')),
    renderPatch({ path: 'empty', kind: 'added', after: file('6', false, 0) }, null, text('')),
    renderPatch(
      { path: 'run.sh', kind: 'modified', before: file('5'), after: file('5', true) },
      text('#!/bin/sh\n'),
      text('#!/bin/sh\n'),
    ),
  ].join('')
  await writeFile(`${root}/p.patch`, patch)
  await must('git', ['apply', 'p.patch'], { cwd: root })
  t.equal(await readFile(`${root}/a.txt`, 'utf8'), 'one\nTWO\nthree\n')
  t.equal(await readFile(`${root}/new/b`, 'utf8'), 'new\r\n')
  t.ok(((await stat(`${root}/run.sh`)).mode & 0o100) !== 0)
  t.same((await readdir(root)).sort(), ['a.txt', 'empty', 'new', 'p.patch', 'run.sh'])
})

t.test('hostile names and contents are shown, and obeyed by nothing', async t => {
  const hostile = '\x1b]0;owned\x07\u202egnp.exe\x9b31m'
  const change: Change = { path: `a\n+++ b/${hostile}\r`, kind: 'added', after: file('1') }
  const patch = renderPatch(change, null, text(`safe${hostile}\rhidden\n\tok\r\n`))
  t.notMatch(patch.replaceAll('\r\n', '\n'), /[\x00-\x08\x0b-\x1f\x7f-\x9f\u202e]/)
  t.match(patch, /\+safe\^\[\]0;owned\^G<U\+202E>gnp\.exe<U\+009B>31m\^Mhidden\n\+\tok\r\n/)
  t.equal(patch.split('\n').filter(line => line.startsWith('+++ ')).length, 1)
  t.equal(changeLine(change), `A ${displayPath(change.path)}`)
  t.notMatch(changeLine(change), /[\x00-\x1f\x7f-\x9f\u202e]/)
})

t.test('what is no text is said to be none', async t => {
  const change: Change = {
    path: 'a',
    kind: 'modified',
    before: file('1'),
    after: file('2', false, 9),
  }
  const binary = renderPatch(change, text('a\0b'), text('b'))
  t.match(binary, /Not shown: binary or large, 3 bytes before, 9 bytes now/)
  t.match(renderPatch(change, null, text('b')), /Not shown/)
  t.notMatch(renderPatch(change, text('\xff'), text('b')), /Not shown/)
})

t.test('what has no short difference is given up in time', async t => {
  const lines = (seed: number) =>
    Array.from({ length: 60_000 }, (_, at) => `${(at * seed) % 65_537}`).join('\n')
  const change: Change = { path: 'a', kind: 'modified', before: file('1'), after: file('2') }
  t.match(renderPatch(change, text(lines(7_919)), text(lines(104_729)), 200), /Not shown/)
})

t.test('a file that was moved is told by its content', async t => {
  const gone = (path: string, entry: Entry): Change => ({ path, kind: 'deleted', before: entry })
  const come = (path: string, entry: Entry): Change => ({ path, kind: 'added', after: entry })
  const renames = findRenames([
    gone('a', file('1')),
    gone('b', file('1')),
    gone('e', file('0', false, 0)),
    come('c', file('1')),
    come('d', file('2')),
    come('f', file('0', false, 0)),
    come('g', file('1', true)),
  ])
  t.same([...renames], [['c', 'a']])
})
