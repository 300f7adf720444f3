import type { Control } from './control.ts'

export type ParentControl = Control & {
  /** The claim of the probe that turns open. */
  claim: string
  /** Takes the control out of the proxy's way to the parent proxy. */
  remove: (conf: string) => string
}

const stated = { stated: 'src/egress/parent-conf.ts', probe: 'N21' } as const
const inForce = 'the rules that forbid a direct connection are in force'
const dialled = 'the proxy dials nothing but the parent proxy'

/** The lines that keep the proxy from dialling around its parent. */
export const parentControls: readonly ParentControl[] = [
  // Alone it changes little: Squid then still asks the parent first.
  { ...stated, control: 'never_direct allow all', claim: inForce, remove: drop('never_direct') },
  {
    ...stated,
    control: 'never_direct allow all, nonhierarchical_direct off',
    claim: dialled,
    remove: conf => drop('nonhierarchical_direct')(drop('never_direct')(conf)),
  },
  // Alone it changes nothing: never_direct holds too, and a rule of squid.conf would come later.
  {
    ...stated,
    control: 'always_direct deny all',
    claim: inForce,
    remove: drop('always_direct deny'),
  },
  {
    ...stated,
    control: 'acl resolved_here any-of !all',
    claim: dialled,
    remove: conf => swap(conf, 'resolved_here any-of !all', 'resolved_here any-of all'),
  },
]

function drop(line: string) {
  return (conf: string) => swap(conf, new RegExp(`^${line} .*\n`, 'm'), '')
}

function swap(conf: string, what: string | RegExp, next: string) {
  const changed = conf.replace(what, next)
  if (changed === conf) throw new Error(`nothing to remove: ${what}`)
  return changed
}
