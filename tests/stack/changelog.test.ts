import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'

const text = readFileSync(join(import.meta.dirname, '../../CHANGELOG.md'), 'utf8')

t.test('the changelog has no entry twice, and no heading twice in a version', async t => {
  // Branches are merged line by line, and both may have brought a line.
  for (const version of text.split(/^## /m)) {
    const lines = version.split('\n').filter(line => /^(?:- |### )/.test(line))
    t.same(
      lines.filter((line, at) => lines.indexOf(line) !== at),
      [],
    )
  }
  t.match(text, /^- /m)
})
