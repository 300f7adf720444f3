import { readFileSync } from 'node:fs'
import t from 'tap'
import { UserError } from '../../src/base/errors.ts'
import { findings } from '../../src/egress/findings.ts'
import { parseSquidConf } from '../../src/egress/squid-conf.ts'
import { notControls, policyDirectives, policyLayers } from '../support/mutation/policy-controls.ts'

const shipped = readFileSync(new URL('../../proxy/squid.conf', import.meta.url), 'utf8')
const controls = policyDirectives(shipped)

/** Returns whether the review refuses a policy or has an open finding. */
function hasFinding(policy: string): boolean {
  try {
    return findings(policy).some(({ severity }) => severity === 'open')
  } catch (error) {
    if (error instanceof UserError) return true
    throw error
  }
}

t.test('the shipped policy has no finding', async t => {
  t.strictSame(findings(shipped), [])
})

t.test('every directive is a control, or is listed as not one', async t => {
  const directives = parseSquidConf(shipped).map(({ words }) => words.join(' '))
  t.ok(controls.length > 80, `${controls.length} controls`)
  for (const directive of directives) {
    const others = notControls.filter(({ pattern }) => pattern.test(directive)).length
    const own = controls.filter(({ control }) => control === directive).length
    t.equal(own + others, 1, directive)
  }
  for (const { pattern } of notControls) {
    t.ok(
      directives.some(directive => pattern.test(directive)),
      `${pattern} matches something`,
    )
  }
})

for (const { control, stated, remove } of controls) {
  t.test(`without ${stated} the policy has a finding: ${control.slice(0, 80)}`, async t => {
    const policy = remove(shipped)
    t.equal(
      parseSquidConf(policy).length,
      parseSquidConf(shipped).length - 1,
      'no other directive was removed',
    )
    t.ok(hasFinding(policy))
  })
}

for (const { control, probe, remove } of policyLayers) {
  t.test(`without "${control}" (${probe}) the policy has a finding`, async t => {
    t.ok(hasFinding(remove(shipped)))
  })
}
