import { readFileSync } from 'node:fs'
import t from 'tap'
import { withControls } from '../support/mutation/render-controls.ts'

const read = (path: string) => readFileSync(new URL(`../../${path}`, import.meta.url), 'utf8')

t.test('the table of controls lists what the mutation tests remove', async t => {
  const document = read('docs/security.md')
  t.equal(document, withControls(document, read('proxy/squid.conf')), 'run: npm run controls')
})
