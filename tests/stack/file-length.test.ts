import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'

const source = join(import.meta.dirname, '../../src')

/** A longer file has two ideas: give the second one a file of its own. */
const mostLines = 250

t.test(`no file of src has more than ${mostLines} lines`, async t => {
  const long = readdirSync(source, { recursive: true, encoding: 'utf8' })
    .filter(path => path.endsWith('.ts'))
    .map(path => ({ path, lines: readFileSync(join(source, path), 'utf8').split('\n').length - 1 }))
    .filter(({ lines }) => lines > mostLines)
  t.same(long, [])
})
