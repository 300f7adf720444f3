import { accessRules, tunnelRules } from '../../../src/egress/policy.ts'
import { composeControls } from './compose-controls.ts'
import type { Control } from './control.ts'
import { gatewayControls } from './gateway-controls.ts'
import { imageControls } from './image-controls.ts'
import { policyDirectives, policyLayers } from './policy-controls.ts'

export const controlsBegin = '<!-- controls: written by npm run controls -->'
export const controlsEnd = '<!-- end of controls -->'

/** The table of docs/security.md: what is taken away, what notices, and which test saw it. */
export function renderControls(policy: string): string {
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
    ...gatewayControls.map(row('images')),
    ...imageControls.map(row('images')),
  ]
  return [
    controlsBegin,
    '| Control | Stated in | Probe | Test |',
    '|---|---|---|---|',
    ...rows,
    controlsEnd,
  ].join('\n')
}

function row(test: 'compose' | 'policy' | 'images') {
  return ({ control, stated, probe }: Control) =>
    `| ${cell(control)} | ${place(stated)} | ${probe} | \`mutation/${test}.test.ts\` |`
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

/** The document with the table in its place. */
export function withControls(document: string, policy: string): string {
  const begin = document.indexOf(controlsBegin)
  const end = document.indexOf(controlsEnd)
  if (begin < 0 || end < begin) throw new Error('docs/security.md has no place for the controls')
  return `${document.slice(0, begin)}${renderControls(policy)}${document.slice(end + controlsEnd.length)}`
}
