import * as z from 'zod/mini'
import { UserError } from '../base/errors.ts'
import { parseModelIds } from './provider/model-ids.ts'

/** Accepts scheme, host and port. A path or a user name would otherwise be dropped silently. */
function origin(protocol: RegExp) {
  const error = 'must be a scheme, a host and a port, and nothing else'
  return z.pipe(
    z.string().check(z.refine(value => isOrigin(value, protocol), { error })),
    z.transform(value => new URL(value).origin),
  )
}

function isOrigin(value: string, protocol: RegExp): boolean {
  if (!URL.canParse(value)) return false
  const url = new URL(value)
  return protocol.test(url.protocol) && url.href === `${url.origin}/`
}

const port = z.pipe(
  z.string().check(z.regex(/^\d{1,5}$/, { error: 'must be a port' })),
  z.transform(Number),
)

/** Budget in dollars; empty for none. Other non-numeric input must not be taken for none. */
const budget = z.pipe(
  z.string().check(z.regex(/^(\d{1,7}(\.\d{1,6})?)?$/, { error: 'must be empty or a number' })),
  z.transform(value => (value === '' ? null : Number(value))),
)

/** Accepts an origin and a path of plain segments: a company's gateway may serve the API below one. */
const baseUrl = z.pipe(
  z.string().check(
    z.refine(isBaseUrl, {
      error: 'must be a scheme, a host, a port and a plain path, and nothing else',
    }),
  ),
  z.transform(value => {
    const { origin, pathname } = new URL(value)
    return { origin, path: pathname.replace(/\/$/, '') }
  }),
)

/** Compares with the text as given, so that nothing is normalized silently. */
function isBaseUrl(value: string): boolean {
  if (!URL.canParse(value)) return false
  const { protocol, origin, pathname } = new URL(value)
  const plain = /^(\/[\w.~-]+)*\/?$/.test(pathname)
  const path = pathname === '/' ? '' : pathname
  return /^https?:$/.test(protocol) && plain && [origin + path, `${origin}${path}/`].includes(value)
}

/** A segment of a host name or of a path at a cloud service. */
const segment = z
  .string()
  .check(z.regex(/^([a-z][a-z0-9-]{0,62})?$/, { error: 'must be a name of letters, digits and -' }))

const modelIds = z.pipe(
  z
    .string()
    .check(
      z.refine(value => parseModelIds(value) !== null, { error: 'must be a list of name=id' }),
    ),
  z.transform(value => parseModelIds(value) ?? new Map<string, string>()),
)

/** The gateway's environment. Contains no secret: the credential comes as a file. */
const GatewaySettings = z
  .object({
    GATEWAY_PORT: z._default(port, 8787),
    UPSTREAM_KIND: z._default(
      z.enum(['messages', 'bedrock', 'vertex'], { error: 'must be messages, bedrock or vertex' }),
      'messages',
    ),
    UPSTREAM_URL: z._default(baseUrl, { origin: 'https://api.anthropic.com', path: '' }),
    /** Region of a cloud service, and project at Google. */
    UPSTREAM_REGION: z._default(segment, ''),
    UPSTREAM_PROJECT: z._default(segment, ''),
    /** Google's service for access tokens. */
    TOKEN_URL: z._default(origin(/^https:$/), 'https://oauth2.googleapis.com'),
    MODEL_IDS: z._default(modelIds, new Map<string, string>()),
    /** Empty for no proxy, which only the rehearsal uses: its model is inside the stack. */
    PROXY_URL: z._default(
      z.union([z.literal(''), origin(/^http:$/)], { error: 'must be empty or an http origin' }),
      'http://egress:3128',
    ),
    CREDENTIAL_FILE: z._default(
      z.string().check(z.startsWith('/', { error: 'must be an absolute path' })),
      '/run/secrets/credential',
    ),
    USAGE_FOLDER: z._default(
      z.string().check(z.startsWith('/', { error: 'must be an absolute path' })),
      '/var/lib/claude-secure/usage',
    ),
    BUDGET_USD_PER_DAY: z._default(budget, null),
    /** How the user calls claude-secure on the host, for messages; empty when unknown. */
    CALLED_AS: z._default(
      z.string().check(z.regex(/^\P{Cc}{0,4096}$/u, { error: 'must be one line' })),
      '',
    ),
    LOG_LEVEL: z._default(
      z.enum(['silent', 'error', 'warn', 'info'], { error: 'must be silent, error, warn or info' }),
      'info',
    ),
  })
  .check(
    // Plain http would carry the credential in clear text through the proxy to the internet.
    z.refine(({ PROXY_URL, UPSTREAM_URL }) => !PROXY_URL || /^https:/.test(UPSTREAM_URL.origin), {
      path: ['UPSTREAM_URL'],
      error: 'must be https when there is a proxy',
    }),
    z.refine(
      ({ UPSTREAM_KIND, UPSTREAM_REGION }) => UPSTREAM_KIND === 'messages' || UPSTREAM_REGION,
      {
        path: ['UPSTREAM_REGION'],
        error: 'must be set for a cloud service',
      },
    ),
    z.refine(
      ({ UPSTREAM_KIND, UPSTREAM_PROJECT }) => UPSTREAM_KIND !== 'vertex' || UPSTREAM_PROJECT,
      {
        path: ['UPSTREAM_PROJECT'],
        error: 'must be set for vertex',
      },
    ),
  )
export type GatewaySettings = z.infer<typeof GatewaySettings>

export function parseGatewaySettings(env: NodeJS.ProcessEnv): GatewaySettings {
  const result = GatewaySettings.safeParse(env)
  if (result.success) return result.data
  const issues = result.error.issues.map(issue => `${issue.path.join('.')} ${issue.message}`)
  throw new UserError(`invalid environment of the gateway: ${issues.join('; ')}`, {
    hint: 'fix the environment of the service gateway in compose.yaml',
  })
}
