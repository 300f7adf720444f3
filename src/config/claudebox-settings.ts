import { UserError } from '../base/errors.ts'
import type { ServerMode } from './server-modes.ts'

/** Newer and older prefixes of claudebox's variables; a newer one wins, and our own name over both. */
const prefixes = ['CLAUDE_', 'CLAUDEBOX_'] as const
const parts = [
  'SSH_DIR',
  'GIT_NAME',
  'GIT_EMAIL',
  'MINIMAL',
  'MODE_API',
  'MODE_API_PORT',
  'MODE_API_TOKEN',
  'MODE_CRON',
  'MODE_CRON_FILE',
  'MODE_TELEGRAM',
  'TELEGRAM_BOT_TOKEN',
  'TELEGRAM_CONFIG',
] as const

/** claudebox's switches of the modes of a server. */
const modeSwitches = {
  MODE_API: 'api',
  MODE_CRON: 'schedules',
  MODE_TELEGRAM: 'telegram',
} as const satisfies Partial<Record<(typeof parts)[number], ServerMode>>

/** claudebox's names for our settings. */
export const claudeboxNames: readonly string[] = prefixes.flatMap(prefix =>
  parts.map(part => `${prefix}${part}`),
)

/** Those of them that hold a secret. */
export const claudeboxTokens: readonly string[] = prefixes.flatMap(prefix => [
  `${prefix}MODE_API_TOKEN`,
  `${prefix}TELEGRAM_BOT_TOKEN`,
])

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
  const cronFile = given('MODE_CRON_FILE')
  const modes = (Object.keys(modeSwitches) as (keyof typeof modeSwitches)[])
    .filter(part => isOn(given(part), 'set SERVER_MODES=api,schedules,telegram'))
    .map(part => modeSwitches[part])
  const [port, token] = [given('MODE_API_PORT'), given('MODE_API_TOKEN')]
  const [bot, chats] = [given('TELEGRAM_BOT_TOKEN'), given('TELEGRAM_CONFIG')]
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
    ...(port && { SERVER_PORT: port.value }),
    ...(token && { API_TOKEN: token.value }),
    ...(modes.length > 0 && { SERVER_MODES: modes.join() }),
    ...(cronFile && { CRON_FILE: cronFile.value }),
    ...(bot && { TELEGRAM_BOT_TOKEN: bot.value }),
    ...(chats && { TELEGRAM_FILE: chats.value }),
    ...(minimal && {
      IMAGE_TARGET: isOn(minimal, 'set IMAGE_TARGET=minimal or full') ? 'minimal' : 'full',
    }),
  }
}

/** Returns whether a switch is on; false for one that is not set. */
function isOn(given: { name: string; value: string } | undefined, hint: string): boolean {
  if (!given) return false
  const { name, value } = given
  if (/^(1|true|yes|on)$/i.test(value)) return true
  if (/^(0|false|no|off)$/i.test(value)) return false
  throw new UserError(`${name} is neither 1 nor 0`, { hint })
}
