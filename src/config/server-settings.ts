import * as z from 'zod'
import { allowedHosts, allowedOrigins, webhookUrl } from './server-forms.ts'
import { ServerModes } from './server-modes.ts'
import { absolutePath, choice, secret, size } from './setting-forms.ts'

const whole = (least: number, most: number) => {
  const error = `must be a whole number from ${least} to ${most}`
  return z
    .string()
    .regex(/^\d{1,7}$/, error)
    .refine(value => Number(value) >= least && Number(value) <= most, { error })
}

/** The settings of `serve`. */
export const serverSettings = {
  WORKSPACES_DIR: absolutePath
    .optional()
    .describe(
      'Folder with the workspaces of `serve`: one folder below it for each tenant. Default: claude-secure/workspaces in ~/.local/share.',
    ),
  API_TOKEN: secret
    .min(16, 'must have at least 16 characters')
    .max(4096, 'must have at most 4096 characters')
    .optional()
    .describe(
      'Token of the HTTP API, with all rights of the tenant main. Default: `serve up` makes one. Only its hash reaches the server.',
    ),
  SERVER_PORT: whole(1, 65_535).default('8080').describe('Port of the HTTP API on this host.'),
  SERVER_BIND: z
    .ipv4({ error: 'must be an IPv4 address of this host, such as 127.0.0.1' })
    .default('127.0.0.1')
    .describe(
      'Address of this host on which the HTTP API listens. Any other than 127.0.0.1 needs SERVER_ALLOWED_HOSTS, and one that is not a loopback address also a token of yours.',
    ),
  SERVER_ALLOWED_HOSTS: allowedHosts
    .optional()
    .describe(
      'Comma-separated host names by which clients call the HTTP API, besides those of the loopback address.',
    ),
  SERVER_ALLOWED_ORIGINS: allowedOrigins
    .optional()
    .describe('Comma-separated origins of web pages that may call the HTTP API.'),
  SERVER_MODES: ServerModes.default('api').describe(
    'Comma-separated modes of `serve up` without options: api answers the HTTP API, schedules runs the jobs of cron.yml at their times, telegram serves a bot.',
  ),
  CRON_FILE: absolutePath
    .regex(/\/[\w.-]+\.ya?ml$/, 'must be the path of a file that ends in .yml or .yaml')
    .optional()
    .describe(
      'File with the jobs of the mode schedules, alone in its folder. Default: schedules/cron.yml in the custom folder.',
    ),
  TELEGRAM_FILE: absolutePath
    .regex(/\/[\w.-]+\.ya?ml$/, 'must be the path of a file that ends in .yml or .yaml')
    .optional()
    .describe(
      'File with the chats of the mode telegram, alone in its folder. Default: telegram/telegram.yml in the custom folder.',
    ),
  TELEGRAM_BOT_TOKEN: secret
    .regex(/^\d{1,20}:[A-Za-z0-9_-]{30,100}$/, 'must be a token of @BotFather, such as 123456:ABC…')
    .optional()
    .describe(
      'Token of the Telegram bot. Default: `serve up --telegram` asks for it once. Only the server reads it, from a file.',
    ),
  SERVER_MEMORY: size.default('512m').describe('Memory limit of the HTTP API.'),
  API_STRICT: choice(['0', '1'])
    .default('0')
    .describe('1 refuses requests with unknown keys, which are otherwise ignored and named.'),
  OPENAI_SIDE_CALLS: choice(['haiku', 'off'])
    .default('haiku')
    .describe(
      'haiku runs titles, tags, follow-up questions and health checks of chat interfaces on that model without tools; off makes them runs as any other.',
    ),
  RUN_LIMIT: whole(1, 64).default('8').describe('Runs that one tenant may have at once.'),
  RUN_QUEUE: whole(0, 1_000)
    .default('128')
    .describe(
      'Completions of the OpenAI endpoint that wait until their tenant has less than RUN_LIMIT runs.',
    ),
  DRAIN_SECONDS: whole(0, 3_600)
    .default('8')
    .describe(
      'Seconds that runs have to end when the server stops; those that did not are interrupted.',
    ),
  RESULT_TTL_HOURS: whole(1, 8760)
    .default('6')
    .describe('Hours that the HTTP API keeps the result of a run.'),
  FILE_LIMIT_MB: whole(1, 1_000_000)
    .default('1024')
    .describe('Largest file in megabytes that the HTTP API accepts.'),
  WEBHOOK_URL: webhookUrl
    .optional()
    .describe('URL that is told when a run ends. `allow --server` must list its host.'),
  SHARED_OAUTH: choice(['refuse', 'accept'])
    .default('refuse')
    .describe(
      "accept lets several tokens share CLAUDE_CODE_OAUTH_TOKEN. Anthropic's terms allow such a token for its purchaser's own use only.",
    ),
}
