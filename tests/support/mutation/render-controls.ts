import { accessRules, tunnelRules } from '../../../src/egress/policy.ts'
import { composeControls } from './compose-controls.ts'
import type { Control } from './control.ts'
import { gatewayControls } from './gateway-controls.ts'
import { hostControls } from './host-controls.ts'
import { imageControls } from './image-controls.ts'
import { parentControls } from './parent-controls.ts'
import { policyDirectives, policyLayers } from './policy-controls.ts'
import { holesOfThePredecessor } from './predecessor-holes.ts'
import { serviceControls } from './service-controls.ts'

const controlsBegin = '<!-- controls: written by npm run controls -->'
const controlsEnd = '<!-- end of controls -->'

/** The table of docs/security.md: what is taken away, what notices, and which test saw it. */
function renderControls(policy: string): string {
  const rules = new Set<string>([...accessRules, ...tunnelRules])
  const directives = policyDirectives(policy)
  const own = directives.filter(({ control }) => rules.has(control))
  const rest = directives.length - own.length
  const code = (control: Control) => ({ ...control, control: `\`${control.control}\`` })
  const rows = [
    ...composeControls.map(row('compose')),
    ...policyLayers.map(row('policy')),
    ...own.map(control => row('policy')({ ...code(control), stated: 'proxy/squid.conf' })),
    row('policy')({
      control: `each of its ${rest} other directives`,
      stated: 'proxy/squid.conf',
      probe: 'N16',
    }),
    ...parentControls.map(control => rowOf(code(control), 'mutation/parent.test.ts')),
    ...gatewayControls.map(row('images')),
    ...imageControls.map(row('images')),
    ...serviceControls.map(row('services')),
    ...hostControls.map(control => rowOf(control, control.test)),
  ]
  return [
    controlsBegin,
    '| Control | Stated in | Probe | Test |',
    '|---|---|---|---|',
    ...rows,
    controlsEnd,
  ].join('\n')
}

function row(test: 'compose' | 'policy' | 'images' | 'services') {
  return (control: Control) => rowOf(control, `mutation/${test}.test.ts`)
}

function rowOf({ control, stated, probe }: Control, test: string) {
  return `| ${cell(control)} | ${place(stated)} | ${probe} | \`${test}\` |`
}

function cell(text: string) {
  return text.replaceAll('|', '\\|')
}

/** `compose.yaml: cap_drop` → the file as code, the place in words. */
function place(stated: string) {
  const [file = '', ...rest] = stated.split(': ')
  const files = file.split(', ').map(name => `\`${name}\``)
  return cell([files.join(', '), ...rest].join(': '))
}

const predecessorBegin = '<!-- predecessor: written by npm run controls -->'
const predecessorEnd = '<!-- end of predecessor -->'

function renderPredecessor() {
  const rows = holesOfThePredecessor.map(({ id, hole }) => `| ${id} | ${cell(hole)} |`)
  return [predecessorBegin, '| Probe | Open |', '|---|---|', ...rows, predecessorEnd].join('\n')
}

/** The document with the tables in their places. */
export function withControls(document: string, policy: string): string {
  const controls = between(document, controlsBegin, controlsEnd, renderControls(policy))
  return between(controls, predecessorBegin, predecessorEnd, renderPredecessor())
}

function between(document: string, begin: string, end: string, table: string): string {
  const from = document.indexOf(begin)
  const to = document.indexOf(end)
  if (from < 0 || to < from) throw new Error(`docs/security.md has no place for ${begin}`)
  return `${document.slice(0, from)}${table}${document.slice(to + end.length)}`
}
