import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { composeBatches } from '../support/mutation/compose-batches.ts'
import { composeControls } from '../support/mutation/compose-controls.ts'

const audit = join(import.meta.dirname, '../../src/audit')
const source = readdirSync(audit, { recursive: true, encoding: 'utf8' })
  .filter(name => name.endsWith('.ts'))
  .map(name => readFileSync(join(audit, name), 'utf8'))
  .join('\n')

t.test('each control of compose.yaml is in one batch', async t => {
  t.strictSame(
    composeBatches.flatMap(batch => Object.keys(batch)).sort(),
    composeControls.map(({ control }) => control).sort(),
  )
})

t.test('no two controls of a batch open the same claim', async t => {
  for (const batch of composeBatches) {
    const claims = Object.values(batch).flat()
    t.equal(new Set(claims).size, claims.length, Object.keys(batch).join(', '))
    for (const [control, own] of Object.entries(batch)) t.not(own.length, 0, control)
  }
})

t.test('the audit makes each of these claims', async t => {
  const claims = new Set(composeBatches.flatMap(batch => Object.values(batch).flat()))
  const named = source.replaceAll(/\$\{\w+\}/g, 'SERVICE').replaceAll("\\'", "'")
  for (const claim of claims) {
    const forms = [claim, claim.replace(/\b(claude|worker|gateway)\b/, 'SERVICE')]
    t.ok(
      forms.some(form => named.includes(form)),
      claim,
    )
  }
})
