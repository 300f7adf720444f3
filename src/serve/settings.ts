import * as z from 'zod'
import { UserError } from '../base/errors.ts'
import { allowedHosts, allowedOrigins, listOf, webhookUrl } from '../config/server-forms.ts'
import { modesOf, ServerModes } from '../config/server-modes.ts'
import { logLevels } from '../tenants/server-log.ts'

const number = (max: number, min = 0) =>
  z
    .string()
    .regex(/^\d{1,9}$/, 'must be a number')
    .transform(Number)
    .pipe(z.number().min(min, `must be at least ${min}`).max(max, `must be at most ${max}`))

const path = z.string().startsWith('/', 'must be an absolute path')

const isOne = z.string().transform(value => /^(1|true|yes|on)$/i.test(value))

/** The environment of the server. It contains no secret: tokens are hashes in a file. */
const ServerSettings = z
  .object({
    /** What the server does. */
    MODES: ServerModes.default('api').transform(modesOf),
    /** Jobs of the mode `schedules`. */
    CRON_FILE: path.default('/etc/claude-secure/schedules/cron.yml'),
    /** Chats of the mode `telegram`, and the token of its bot. */
    TELEGRAM_FILE: path.default('/etc/claude-secure/telegram/telegram.yml'),
    TELEGRAM_TOKEN_FILE: path.default('/run/secrets/telegram'),
    TELEGRAM_API: z
      .url({ protocol: /^https?$/, error: 'must be an http or https URL' })
      .default('https://api.telegram.org'),
    /** Maximum number of people who may write to the bot; null for no limit. */
    TELEGRAM_PEOPLE: number(1_000, 1).nullable().default(null),
    /** The host asks for the schedules there. */
    CONTROL_SOCKET: path.default('/run/server-control.sock'),
    SERVER_PORT: number(65_535, 1).default(8080),
    /** Host names that requests may have, beside those of the loopback address. */
    SERVER_ALLOWED_HOSTS: allowedHosts.transform(value => listOf(value.toLowerCase())).default([]),
    /** Origins of web pages that may send requests, beside the server's own. */
    SERVER_ALLOWED_ORIGINS: allowedOrigins.transform(listOf).default([]),
    /** Serves requests without a token. The host must publish the port on its loopback address only. */
    SERVER_WITHOUT_TOKEN: isOne.default(false),
    /** Unknown members of a request are refused instead of ignored. */
    API_STRICT: isOne.default(false),
    /** Runs titles, tags and health checks of chat interfaces on the smallest model, without tools. */
    OPENAI_SIDE_CALLS: z.enum(['haiku', 'off']).default('haiku'),
    RESULT_TTL_HOURS: number(24 * 365, 1).default(6),
    /** Maximum number of concurrent runs of one tenant. */
    RUN_LIMIT: number(64, 1).default(8),
    /** Maximum number of a tenant's runs that wait for their turn. */
    RUN_QUEUE: number(1_000).default(128),
    /** Maximum size of a file in an upload. */
    FILE_LIMIT_MB: number(1_000_000, 1).default(1_024),
    /** Time that runs have to end when the server stops, below the time after which Docker kills it. */
    DRAIN_SECONDS: number(3_600).default(8),
    PROXY_URL: z
      .url({ protocol: /^http$/, error: 'must be an http URL' })
      .default('http://egress:3128'),
    WEBHOOK_URL: webhookUrl
      .transform(value => new URL(value))
      .nullable()
      .default(null),
    WEBHOOK_SECRET_FILE: path.default('/run/secrets/webhook'),
    ACCESS_FOLDER: path.default('/etc/claude-secure/server'),
    WORKERS_FOLDER: path.default('/run/claude-secure/workers'),
    WORKER_SECRETS_FOLDER: path.default('/run/secrets/workers'),
    WORKSPACES_FOLDER: path.default('/workspaces'),
    STORE_FOLDER: path.default('/var/lib/claude-secure/server'),
    /** Names that are granted to tenants for a time. */
    GRANTS_FOLDER: path.default('/var/lib/claude-secure/grants'),
    USAGE_FOLDER: path.default('/var/lib/claude-secure/usage'),
    /** How the user calls claude-secure on the host, for messages. */
    CALLED_AS: z
      .string()
      .regex(/^\P{Cc}{0,4096}$/u, 'must be one line')
      .default(''),
    LOG_LEVEL: z.enum(logLevels, { error: `must be ${logLevels.join(', ')}` }).default('info'),
  })
  .refine(
    settings => !settings.SERVER_WITHOUT_TOKEN || settings.SERVER_ALLOWED_HOSTS.length === 0,
    {
      path: ['SERVER_ALLOWED_HOSTS'],
      error: 'must be empty without a token: such a server answers on the loopback address only',
    },
  )
export type ServerSettings = z.infer<typeof ServerSettings>

export function parseServerSettings(env: NodeJS.ProcessEnv): ServerSettings {
  // Compose passes an unset setting as an empty string.
  const given = Object.fromEntries(Object.entries(env).filter(([, value]) => value !== ''))
  const parsed = ServerSettings.safeParse(given)
  if (parsed.success) return parsed.data
  const issues = parsed.error.issues.map(issue => `${issue.path.join('.')} ${issue.message}`)
  throw new UserError(`invalid environment of the server: ${issues.join('; ')}`, {
    hint: 'fix the environment of the service server in compose.server.yaml',
  })
}
