import * as z from 'zod/mini'
import { UserError } from '../base/errors.ts'

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

/** The gateway's environment. Contains no secret: the credential comes as a file. */
const GatewaySettings = z
  .object({
    GATEWAY_PORT: z._default(port, 8787),
    UPSTREAM_URL: z._default(origin(/^https?:$/), 'https://api.anthropic.com'),
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
    LOG_LEVEL: z._default(
      z.enum(['silent', 'error', 'warn', 'info'], { error: 'must be silent, error, warn or info' }),
      'info',
    ),
  })
  .check(
    // Plain http would carry the credential in clear text through the proxy to the internet.
    z.refine(({ PROXY_URL, UPSTREAM_URL }) => !PROXY_URL || UPSTREAM_URL.startsWith('https:'), {
      path: ['UPSTREAM_URL'],
      error: 'must be https when there is a proxy',
    }),
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
