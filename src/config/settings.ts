import * as z from 'zod'
import { parseGitRepositories } from './git-repositories.ts'
import { parseProtect, parseProtectAlso, protectedNames } from './protected-names.ts'
import { serverSettings } from './server-settings.ts'
import {
  absolutePath,
  awsRegion,
  baseUrl,
  budget,
  choice,
  count,
  days,
  googleProject,
  googleRegion,
  modelIds,
  pids,
  poolForm,
  runtime,
  secret,
  size,
  text,
} from './setting-forms.ts'
import { parseGitIdentity, parseMcpServers, parsePackages } from './setting-names.ts'

/**
 * Every setting, in the order of `.env.example`. Values come from `.env` beside claude.ts and, over
 * it, from the environment. A test keeps docs/configuration.md and .env.example equal to this.
 */
export const Settings = z.strictObject({
  ANTHROPIC_API_KEY: secret.optional().describe('API key. Only the gateway ever reads it.'),
  CLAUDE_CODE_OAUTH_TOKEN: secret
    .optional()
    .describe('Long-lived token of a Claude subscription (setup-token).'),
  CREDENTIALS: choice(['auto', 'gateway', 'direct'])
    .default('auto')
    .describe(
      'gateway keeps the credential out of the agent, and requires one; direct lets Claude Code log in by itself, inside the container, and opens the login names for it. auto is gateway with a credential; without one it is direct, but only in a terminal.',
    ),
  ANTHROPIC_BASE_URL: baseUrl
    .optional()
    .describe(
      "URL of a company's gateway that speaks the Messages API, in place of Anthropic's API; with ANTHROPIC_API_KEY or ANTHROPIC_AUTH_TOKEN. docs/credentials.md describes this and the next ones.",
    ),
  ANTHROPIC_AUTH_TOKEN: secret.optional().describe("Bearer token of the company's gateway."),
  UPSTREAM_PRIVATE: z
    .string()
    .optional()
    .describe(
      'Private networks that the name of ANTHROPIC_BASE_URL may resolve to: 10.2.0.0/16, several separated by commas. Only the gateway reaches them.',
    ),
  CLAUDE_CODE_USE_BEDROCK: choice(['0', '1'])
    .optional()
    .describe('1 runs the model on Amazon Bedrock; with AWS_REGION and a credential.'),
  AWS_REGION: awsRegion.optional().describe('Region of Amazon Bedrock, such as us-east-1.'),
  AWS_ACCESS_KEY_ID: secret.optional().describe('Access key for Amazon Bedrock.'),
  AWS_SECRET_ACCESS_KEY: secret
    .optional()
    .describe('Secret of the access key. The gateway signs with it.'),
  AWS_SESSION_TOKEN: secret
    .optional()
    .describe('Session token, if the access key is a temporary one.'),
  AWS_BEARER_TOKEN_BEDROCK: secret
    .optional()
    .describe('API key of Amazon Bedrock, in place of an access key.'),
  CLAUDE_CODE_USE_VERTEX: choice(['0', '1'])
    .optional()
    .describe('1 runs the model on Google Vertex AI; with the next three.'),
  CLOUD_ML_REGION: googleRegion
    .optional()
    .describe('Region of Google Vertex AI, such as us-east5, or global.'),
  ANTHROPIC_VERTEX_PROJECT_ID: googleProject.optional().describe('Project of Google Cloud.'),
  GOOGLE_APPLICATION_CREDENTIALS: absolutePath
    .optional()
    .describe('JSON key file of a service account. Only the gateway gets the key.'),
  MODEL_IDS: modelIds
    .optional()
    .describe(
      'Ids of models at Amazon Bedrock or Google Vertex AI, if yours differ: claude-opus-5-5=ID,claude-haiku-5-5=ID.',
    ),
  WORKSPACE_MODE: choice(['auto', 'mount', 'copy'])
    .default('auto')
    .describe(
      'mount gives the agent your files; copy gives it a copy, and `apply` brings its changes back. auto mounts, but copies a folder that root owns.',
    ),
  COPY_EXCLUDE: text
    .optional()
    .describe(
      'Comma-separated .gitignore patterns of files that a copy leaves out in addition to ignored ones; !.env includes an ignored file.',
    ),
  PROTECT: text
    .refine(value => parseProtect(value) !== null, {
      error: `must be all, none or a list such as -.vscode,-.idea; the names are ${protectedNames.join(' ')}`,
    })
    .default('all')
    .describe(
      'Makes files that your host runs automatically read-only for the agent in a mounted folder. all, none, or the names to leave writable: -.vscode,-.idea.',
    ),
  PROTECT_ALSO: text
    .refine(value => parseProtectAlso(value) !== null, {
      error:
        'must be a list of names such as .tool,run.sh, without slashes and without names of PROTECT',
    })
    .optional()
    .describe(
      'Comma-separated names at the top of a folder to protect in addition, such as .tool,run.sh: read-only, moved away if they appear, and withheld by `apply`.',
    ),
  GIT_IDENTITY: text
    .refine(value => ['host', 'none'].includes(value) || parseGitIdentity(value) !== null, {
      error: 'must be host, none or Name <mail>',
    })
    .default('host')
    .describe(
      "Name and address in the agent's commits. host: those of your git; none: no identity; or Name <mail>.",
    ),
  GIT_REPOSITORIES: text
    .refine(value => parseGitRepositories(value) !== null, {
      error:
        'must be a list of at most 32 repositories such as github.com/me/app,gitlab.com/me/lib:ro',
    })
    .optional()
    .describe(
      'Repositories that the agent fetches and pushes claude/… branches to with your token, which stays in the gateway: github.com/me/app, several separated by commas; :ro for fetches alone (docs/git.md).',
    ),
  SSH_DIR: absolutePath
    .optional()
    .describe(
      'Folder with a key pair for the agent alone, and its known_hosts. The agent can read the key; see docs/additions.md.',
    ),
  MCP_SERVERS: text
    .refine(value => parseMcpServers(value) !== null, {
      error: 'must be ask, none or comma-separated names',
    })
    .default('ask')
    .describe(
      'MCP servers from the .mcp.json of a folder. ask: start shows them and asks once; none: no servers; or comma-separated names to use without asking.',
    ),
  SERVICES: text
    .default('all')
    .describe(
      'Services of your custom folder to run beside the agent: all, none, or comma-separated names (docs/services.md).',
    ),
  EXTRA_CA_CERTS: absolutePath
    .optional()
    .describe('PEM file of additional certificate authorities, for networks that inspect TLS.'),
  SUBNET_POOL: z
    .cidrv4({ error: poolForm })
    .refine(value => Number(value.split('/')[1]) <= 24, { error: poolForm })
    .optional()
    .describe(
      'Range from which every stack gets its subnets, such as 10.200.0.0/16, if those that Docker chooses collide with your network or VPN.',
    ),
  EXTERNAL_SUBNET: z
    .cidrv4({ error: 'must be a subnet such as 10.99.0.0/24' })
    .optional()
    .describe(
      'Subnet of the network proxy-external, if the one that Docker chooses collides with another.',
    ),
  PROXY_DNS: z
    .ipv4({ error: 'must be an IPv4 address such as 192.0.2.53' })
    .optional()
    .describe("DNS server of the proxy, if it must not use the host's."),
  PARENT_PROXY: secret
    .optional()
    .describe(
      "Your company's proxy, through which everything leaves: http:// or https:// address, or none. Default: HTTPS_PROXY of the environment.",
    ),
  PARENT_PROXY_LOGIN: absolutePath
    .optional()
    .describe('File with the user and password of that proxy on one line, as user:password.'),
  PARENT_PROXY_EXCEPT: text
    .optional()
    .describe(
      'Comma-separated names that are reached without that proxy, with all names below them. Default: NO_PROXY of the environment.',
    ),
  JSON_KEYS: choice(['claude', 'camel'])
    .default('claude')
    .describe(
      "Keys in the JSON output of runs. claude: Claude Code's own; camel: camelCase, as claudebox has them.",
    ),
  BUDGET_USD_PER_DAY: budget
    .optional()
    .describe(
      'Dollars that one stack may use in a day (UTC). The gateway refuses requests beyond that.',
    ),
  AGENT_MEMORY: size.default('4g').describe('Memory limit of the agent container.'),
  AGENT_CPUS: count.default('2').describe('Processors the agent may use.'),
  AGENT_PIDS: z.coerce
    .number({ error: pids })
    .int({ error: pids })
    .min(64, { error: pids })
    .default(512)
    .describe('Processes and threads the agent may have at once.'),
  AGENT_SHM: size
    .default('256m')
    .describe('Size of /dev/shm, which browsers and databases use. Counts as memory.'),
  RUNTIME: runtime
    .optional()
    .describe('Container runtime of the agent, such as runsc or kata. It must be installed.'),
  IMAGE_TARGET: choice(['minimal', 'full'])
    .default('minimal')
    .describe(
      "Tools in the agent's image: minimal has git, Node and search tools; full also has toolchains and clients, and takes 1.5 GB more.",
    ),
  PACKAGES: text
    .refine(value => parsePackages(value) !== null, {
      error: 'must be names of Debian packages, such as bc g++ or hello=2.10-5',
    })
    .optional()
    .describe('Additional Debian packages for the agent: names separated by spaces.'),
  CUSTOM_DIR: absolutePath
    .optional()
    .describe(
      'Folder of your additions: skills, programs, and files built into the image (docs/additions.md, docs/images.md). Default: claude-secure in ~/.config.',
    ),
  DOCKERFILE: absolutePath
    .optional()
    .describe(
      "Your Dockerfile on top of the agent's image. Default: the one in CUSTOM_DIR, if it exists.",
    ),
  BASE_IMAGE: text
    .optional()
    .describe(
      'Image to build on, instead of the official Debian image or the one made from the mirror.',
    ),
  UPDATE_MIN_AGE_DAYS: z.coerce
    .number({ error: days })
    .int({ error: days })
    .min(0, { error: days })
    .max(90, { error: days })
    .default(0)
    .describe(
      'Days that a version of Claude Code, Node.js or npm must have been public before `update` takes it.',
    ),
  DEBIAN_MIRROR: z
    .url({ protocol: /^https?$/, error: 'must be an http:// or https:// URL' })
    .optional()
    .describe('Debian mirror to build from. Default: the one apt is configured with.'),
  ...serverSettings,
})
export type Settings = z.infer<typeof Settings>
