import { z } from 'zod'

const text = (description: string) => z.string().trim().min(1).describe(description)
const absolutePath = (description: string) =>
  text(description).regex(/^\/[^\0\n:]*$/, 'must be an absolute path without a colon')
const size = (description: string) =>
  text(description).regex(/^\d+(\.\d+)?[mg]$/i, 'must be a size such as 512m or 4g')

/** Marks the settings whose values must not be shown, logged or passed in an environment. */
export const secretSettings = ['ANTHROPIC_API_KEY', 'CLAUDE_CODE_OAUTH_TOKEN'] as const

/**
 * Every setting, in the order of `.env.example`. Values come from `.env` beside claude.ts and, over
 * it, from the environment. docs/configuration.md and .env.example are held equal to this by a test.
 */
export const Settings = z.strictObject({
  ANTHROPIC_API_KEY: text('API key. Only the gateway ever reads it.')
    .regex(/^[\x21-\x7e]+$/, 'must be printable characters without spaces')
    .optional(),
  CLAUDE_CODE_OAUTH_TOKEN: text('Long-lived token of a Claude subscription (setup-token).')
    .regex(/^[\x21-\x7e]+$/, 'must be printable characters without spaces')
    .optional(),
  CREDENTIALS: z
    .enum(['gateway', 'direct'])
    .default('gateway')
    .describe(
      'gateway keeps the credential out of the agent; direct lets Claude Code log in by itself, inside the container, and opens the login names for it.',
    ),
  WORKSPACE_MODE: z
    .enum(['auto', 'mount', 'copy'])
    .default('auto')
    .describe(
      'mount shows the agent your files; copy gives it a copy that comes back with `apply`. auto mounts, but copies what belongs to root.',
    ),
  EXTRA_CA_CERTS: absolutePath(
    'PEM file of additional certificate authorities, for networks that inspect TLS.',
  ).optional(),
  AGENT_MEMORY: size('Memory limit of the agent container.').default('4g'),
  AGENT_CPUS: text('Processors the agent may use.')
    .regex(/^\d+(\.\d+)?$/, 'must be a number')
    .default('2'),
  AGENT_PIDS: z.coerce
    .number()
    .int()
    .min(64)
    .default(512)
    .describe('Processes and threads the agent may have at once.'),
  RUNTIME: text('Container runtime of the agent, such as runsc or kata. It must be installed.')
    .regex(/^[a-z0-9][a-z0-9._-]*$/i, 'must be the name of an installed runtime')
    .optional(),
  EXTERNAL_SUBNET: z
    .cidrv4()
    .describe('Subnet of the network proxy-external, where the one Docker chooses collides.')
    .optional(),
  PROXY_DNS: z
    .ipv4()
    .describe('DNS server of the proxy, where it must not be the one of the host.')
    .optional(),
  BASE_IMAGE: text(
    'Image to build on, instead of the official Debian image or the one made from the mirror.',
  ).optional(),
  DEBIAN_MIRROR: z
    .url({ protocol: /^https?$/ })
    .describe('Debian mirror to build from. Default: the one apt is configured with.')
    .optional(),
})
export type Settings = z.infer<typeof Settings>
