import { UserError } from '../base/errors.ts'

/** Newer and older prefixes of claudebox's variables; a newer one wins, and our own name over both. */
const prefixes = ['CLAUDE_', 'CLAUDEBOX_'] as const
const parts = ['SSH_DIR', 'GIT_NAME', 'GIT_EMAIL', 'MINIMAL'] as const

/** claudebox's names for our settings. */
export const claudeboxNames: readonly string[] = prefixes.flatMap(prefix =>
  parts.map(part => `${prefix}${part}`),
)

/** Returns the settings that values with claudebox's names stand for. */
export function claudeboxSettings(
  values: Readonly<Record<string, string | undefined>>,
): Record<string, string> {
  const given = (part: (typeof parts)[number]) => {
    for (const prefix of prefixes.toReversed()) {
      const value = values[`${prefix}${part}`]
      if (value) return { name: `${prefix}${part}`, value }
    }
    return undefined
  }
  const sshDir = given('SSH_DIR')
  const minimal = given('MINIMAL')
  const [name, mail] = [given('GIT_NAME'), given('GIT_EMAIL')]
  if ((name ?? mail) && !(name && mail)) {
    const [set, missing] = name ? [name.name, 'EMAIL'] : [mail?.name, 'NAME']
    throw new UserError(`${set} is set, and CLAUDEBOX_GIT_${missing} is not`, {
      hint: 'set both, or GIT_IDENTITY=Name <mail>',
    })
  }
  return {
    ...(sshDir && { SSH_DIR: sshDir.value }),
    ...(name && mail && { GIT_IDENTITY: `${name.value} <${mail.value}>` }),
    ...(minimal && { IMAGE_TARGET: isOn(minimal) ? 'minimal' : 'full' }),
  }
}

function isOn({ name, value }: { name: string; value: string }): boolean {
  if (/^(1|true|yes|on)$/i.test(value)) return true
  if (/^(0|false|no|off)$/i.test(value)) return false
  throw new UserError(`${name} is neither 1 nor 0`, { hint: 'set IMAGE_TARGET=minimal or full' })
}

const families = { CLAUDEBOX_ENV_: 'CLAUDE_ENV_', CLAUDEBOX_MOUNT_: 'CLAUDE_MOUNT_' } as const

/** Returns our name of a variable of the two families: `CLAUDE_ENV_X` for `CLAUDEBOX_ENV_X`. */
export function ourName(name: string): string {
  for (const [theirs, ours] of Object.entries(families)) {
    if (name.startsWith(theirs)) return `${ours}${name.slice(theirs.length)}`
  }
  return name
}

/** Renames the variables of the two families. A value with our name wins, whichever comes first. */
export function withOurNames<Value>(
  values: Readonly<Record<string, Value>>,
): Record<string, Value> {
  const entries = Object.entries(values).map(([name, value]) => ({
    name,
    our: ourName(name),
    value,
  }))
  return Object.fromEntries([
    ...entries.filter(({ name, our }) => name !== our).map(({ our, value }) => [our, value]),
    ...entries.filter(({ name, our }) => name === our).map(({ our, value }) => [our, value]),
  ])
}
