/** The three ways to the engine, each in its own files (decision 0031). */
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'

const source = join(import.meta.dirname, '../../src')

const texts = readdirSync(source, { recursive: true, encoding: 'utf8' })
  .filter(path => path.endsWith('.ts'))
  .map(path => ({ path, text: readFileSync(join(source, path), 'utf8') }))

function filesWith(pattern: RegExp, folder = '') {
  return texts
    .filter(({ path, text }) => path.startsWith(folder) && pattern.test(text))
    .map(({ path }) => path)
    .sort()
}

t.test('one file opens connections to the engine, and one loads dockerode', async t => {
  t.same(filesWith(/'node:(?:net|http|https|tls)'/, 'engine/'), ['engine/engine-request.ts'])
  t.same(filesWith(/'dockerode'/), ['engine/archive.ts'])
})

t.test('requests that are not questions only run commands in a container', async t => {
  const changing = /\b(?:enginePost|engineUpgrade)\b/
  t.same(filesWith(changing), [
    'engine/container-exec.ts',
    'engine/engine-request.ts',
    'engine/terminal-exec.ts',
  ])
  const posts = filesWith(changing).flatMap(path => pathsIn(path))
  t.same(posts.sort(), [
    '/containers/*/exec',
    '/exec/*/json',
    '/exec/*/resize?h=*&w=*',
    '/exec/*/start',
    '/exec/*/start',
  ])
})

t.test(
  'outside of src/engine, one file asks without zod: a session waits for its answer',
  async t => {
    const outside = filesWith(/\bengineGet\b/).filter(path => !path.startsWith('engine/'))
    t.same(outside, ['operations/remembered-stack/is-still-running.ts'])
  },
)

function pathsIn(file: string) {
  const { text = '' } = texts.find(({ path }) => path === file) ?? {}
  return [...text.matchAll(/`(\/(?:containers|exec)\/[^`]*)`/g)].map(([, path = '']) =>
    path.replace(/\$\{[^}]*\}/g, '*'),
  )
}
