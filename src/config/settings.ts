import * as z from 'zod'
import { parseProtect, protectedNames } from './protected-names.ts'
import { parseGitIdentity, parseMcpServers, parsePackages } from './setting-values.ts'

/** Builds the schema of a choice with its own error message: zod's would not say which value was meant. */
const choice = <const Values extends readonly [string, ...string[]]>(values: Values) =>
  z.enum(values, { error: `must be ${values.slice(0, -1).join(', ')} or ${values.at(-1)}` })

const text = z.string().trim().min(1, 'must not be empty')
const secret = text.regex(/^[\x21-\x7e]+$/, 'must be printable characters without spaces')
const absolutePath = text.regex(/^\/[^\0\n:]*$/, 'must be an absolute path without a colon')
const size = text.regex(/^\d+(\.\d+)?[mg]$/i, 'must be a size such as 512m or 4g')
const budget = text.regex(/^\d{1,7}(\.\d{1,6})?$/, 'must be a number of dollars such as 5 or 0.50')
const count = text.regex(/^\d+(\.\d+)?$/, 'must be a number')
const pids = 'must be a whole number, 64 or more'
const runtime = text.regex(/^[a-z0-9][a-z0-9._-]*$/i, 'must be the name of an installed runtime')

/** Marks the settings whose values must not be shown, logged or passed in an environment. */
export const secretSettings = ['ANTHROPIC_API_KEY', 'CLAUDE_CODE_OAUTH_TOKEN'] as const

/**
 * Every setting, in the order of `.env.example`. Values come from `.env` beside claude.ts and, over
 * it, from the environment. docs/configuration.md and .env.example are held equal to this by a test.
 */
export const Settings = z.strictObject({
  ANTHROPIC_API_KEY: secret.optional().describe('API key. Only the gateway ever reads it.'),
  CLAUDE_CODE_OAUTH_TOKEN: secret
    .optional()
    .describe('Long-lived token of a Claude subscription (setup-token).'),
  CREDENTIALS: choice(['gateway', 'direct'])
    .default('gateway')
    .describe(
      'gateway keeps the credential out of the agent; direct lets Claude Code log in by itself, inside the container, and opens the login names for it.',
    ),
  WORKSPACE_MODE: choice(['auto', 'mount', 'copy'])
    .default('auto')
    .describe(
      'mount shows the agent your files; copy gives it a copy that comes back with `apply`. auto mounts, but copies what belongs to root.',
    ),
  COPY_EXCLUDE: text
    .optional()
    .describe(
      'Patterns as in .gitignore, with commas between, for what a copy leaves out besides ignored files; !.env takes an ignored file along.',
    ),
  PROTECT: text
    .refine(value => parseProtect(value) !== null, {
      error: `must be all, none or a list such as -.vscode,-.idea; the names are ${protectedNames.join(' ')}`,
    })
    .default('all')
    .describe(
      'Files that your host runs by itself are read-only for the agent in a mounted folder. all, none, or what to give up: -.vscode,-.idea.',
    ),
  GIT_IDENTITY: text
    .refine(value => ['host', 'none'].includes(value) || parseGitIdentity(value) !== null, {
      error: 'must be host, none or Name <mail>',
    })
    .default('host')
    .describe(
      'Name and mail of the commits that the agent makes. host: those of your own git; none: no identity; or Name <mail>.',
    ),
  SSH_DIR: absolutePath
    .optional()
    .describe(
      'Folder with a key pair for the agent alone, and its known_hosts. The agent can read the key; docs/additions.md says what it is good for.',
    ),
  MCP_SERVERS: text
    .refine(value => parseMcpServers(value) !== null, {
      error: 'must be ask, none or names with commas between',
    })
    .default('ask')
    .describe(
      'MCP servers that a folder names in .mcp.json. ask: start shows them and asks once; none: no server; or the names that may be used unasked, with commas between.',
    ),
  EXTRA_CA_CERTS: absolutePath
    .optional()
    .describe('PEM file of additional certificate authorities, for networks that inspect TLS.'),
  EXTERNAL_SUBNET: z
    .cidrv4({ error: 'must be a subnet such as 10.99.0.0/24' })
    .optional()
    .describe('Subnet of the network proxy-external, where the one Docker chooses collides.'),
  PROXY_DNS: z
    .ipv4({ error: 'must be an IPv4 address such as 192.0.2.53' })
    .optional()
    .describe('DNS server of the proxy, where it must not be the one of the host.'),
  BUDGET_USD_PER_DAY: budget
    .optional()
    .describe(
      'Dollars that one stack may use in a day (UTC). The gateway refuses what goes beyond.',
    ),
  AGENT_MEMORY: size.default('4g').describe('Memory limit of the agent container.'),
  AGENT_CPUS: count.default('2').describe('Processors the agent may use.'),
  AGENT_PIDS: z.coerce
    .number({ error: pids })
    .int({ error: pids })
    .min(64, { error: pids })
    .default(512)
    .describe('Processes and threads the agent may have at once.'),
  RUNTIME: runtime
    .optional()
    .describe('Container runtime of the agent, such as runsc or kata. It must be installed.'),
  IMAGE_TARGET: choice(['minimal', 'full'])
    .default('minimal')
    .describe(
      'What the agent finds: minimal has git, Node and search tools; full has toolchains and clients too, and takes 1.5 GB more.',
    ),
  PACKAGES: text
    .refine(value => parsePackages(value) !== null, {
      error: 'must be names of Debian packages, such as bc g++ or hello=2.10-5',
    })
    .optional()
    .describe('Further Debian packages for the agent, by name, with spaces between them.'),
  CUSTOM_DIR: absolutePath
    .optional()
    .describe(
      'Folder of your own additions: skills, programs, and what is built into the image (docs/additions.md, docs/images.md). Default: claude-secure in ~/.config.',
    ),
  DOCKERFILE: absolutePath
    .optional()
    .describe(
      "Dockerfile of your own that builds on the agent's image. Default: the one in CUSTOM_DIR, if it is there.",
    ),
  BASE_IMAGE: text
    .optional()
    .describe(
      'Image to build on, instead of the official Debian image or the one made from the mirror.',
    ),
  DEBIAN_MIRROR: z
    .url({ protocol: /^https?$/, error: 'must be an http:// or https:// URL' })
    .optional()
    .describe('Debian mirror to build from. Default: the one apt is configured with.'),
})
export type Settings = z.infer<typeof Settings>
