import * as z from 'zod'

/** What a server does: it answers the HTTP API, runs the jobs of cron.yml, and serves a Telegram bot. */
export const serverModes = ['api', 'schedules', 'telegram'] as const
export type ServerMode = (typeof serverModes)[number]

const list = new RegExp(`^(${serverModes.join('|')})(\\s*,\\s*(${serverModes.join('|')}))*$`)

/** The comma-separated modes of a server, as a setting. */
export const ServerModes = z
  .string()
  .trim()
  .regex(list, `must be a comma-separated list of ${serverModes.join(', ')}`)

/** Returns the modes that a setting names, each once and in their order. */
export function modesOf(setting: string): ServerMode[] {
  const named = setting.split(',').map(word => word.trim())
  return serverModes.filter(mode => named.includes(mode))
}
