import { z } from 'zod'
import { UserError } from '../errors.ts'

const origin = (protocol: RegExp) =>
  z.url({ protocol, error: 'must be a URL' }).transform((value, context) => {
    const url = new URL(value)
    // Only the origin is used. A path or a user name would be dropped without a word otherwise.
    if (url.pathname !== '/' || url.search || url.hash || url.username || url.password) {
      context.addIssue({
        code: 'custom',
        message: 'must be scheme, host and port, and nothing else',
      })
      return z.NEVER
    }
    return url.origin
  })

/** The gateway's environment. Nothing in it is secret: the credential comes as a file. */
const GatewaySettings = z
  .object({
    GATEWAY_PORT: z.coerce.number().int().min(0).max(65_535).default(8787),
    UPSTREAM_URL: origin(/^https?$/).default('https://api.anthropic.com'),
    PROXY_URL: z.union([z.literal('').transform(() => undefined), origin(/^http$/)]).optional(),
    CREDENTIAL_FILE: z.string().startsWith('/').default('/run/secrets/credential'),
    LOG_LEVEL: z.enum(['silent', 'error', 'warn', 'info']).default('info'),
  })
  .transform(values => ({
    port: values.GATEWAY_PORT,
    upstream: values.UPSTREAM_URL,
    proxy: 'PROXY_URL' in values ? values.PROXY_URL : 'http://egress:3128',
    credentialFile: values.CREDENTIAL_FILE,
    logLevel: values.LOG_LEVEL,
  }))
  // Plain http would carry the credential in clear text through the proxy to the internet.
  .refine(settings => !settings.proxy || settings.upstream.startsWith('https:'), {
    path: ['UPSTREAM_URL'],
    message: 'must be https when there is a proxy',
  })
export type GatewaySettings = z.infer<typeof GatewaySettings>

export function parseGatewaySettings(env: NodeJS.ProcessEnv): GatewaySettings {
  const result = GatewaySettings.safeParse(env)
  if (result.success) return result.data
  const issues = result.error.issues.map(issue => `${issue.path.join('.')}: ${issue.message}`)
  throw new UserError(`the gateway's environment is wrong: ${issues.join('; ')}`, {
    hint: 'these variables are set in compose.yaml, in the service gateway',
    cause: result.error,
  })
}
