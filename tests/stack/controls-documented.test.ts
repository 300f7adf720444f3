import { readFileSync } from 'node:fs'
import t from 'tap'
import { probes } from '../../src/audit/probes/index.ts'
import { holesOfThePredecessor } from '../support/mutation/predecessor-holes.ts'
import { withControls } from '../support/mutation/render-controls.ts'

const read = (path: string) => readFileSync(new URL(`../../${path}`, import.meta.url), 'utf8')

t.test('the table of controls lists what the mutation tests remove', async t => {
  const document = read('docs/security.md')
  t.equal(document, withControls(document, read('proxy/squid.conf')), 'run: npm run controls')
})

t.test('the documents state the number of probes and of the holes of a usual setup', async t => {
  for (const path of ['README.md', 'docs/security.md']) {
    const stated = [...read(path).matchAll(/(\d+) (?:probes|attacks|doors)/g)].map(([, n]) => n)
    t.ok(stated.length > 1, path)
    t.strictSame(new Set(stated), new Set([String(probes.length)]), path)
  }
  t.match(read('README.md'), ` ${holesOfThePredecessor.length} of ${probes.length} doors open`)
})
