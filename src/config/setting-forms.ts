import * as z from 'zod'

/** Builds the schema of a choice, with a message that lists the values. */
export const choice = <const Values extends readonly [string, ...string[]]>(values: Values) =>
  z.enum(values, { error: `must be ${values.slice(0, -1).join(', ')} or ${values.at(-1)}` })

export const text = z.string().trim().min(1, 'must not be empty')
export const secret = text.regex(/^[\x21-\x7e]+$/, 'must be printable characters without spaces')
export const absolutePath = text.regex(/^\/[^\0\n:]*$/, 'must be an absolute path without a colon')
export const size = text.regex(/^\d+(\.\d+)?[mg]$/i, 'must be a size such as 512m or 4g')
export const budget = text.regex(
  /^\d{1,7}(\.\d{1,6})?$/,
  'must be a number of dollars such as 5 or 0.50',
)
export const poolForm = 'must be a range of /24 or larger, such as 10.200.0.0/16'
export const count = text.regex(/^\d+(\.\d+)?$/, 'must be a number')
export const days = 'must be a whole number of days from 0 to 90'
export const pids = 'must be a whole number, 64 or more'
export const runtime = text.regex(
  /^[a-z0-9][a-z0-9._-]*$/i,
  'must be the name of an installed runtime',
)

export const baseUrl = text.refine(isBaseUrl, {
  error: 'must be an https:// URL on port 443 of a host name, with a plain path or none',
})
export const awsRegion = text.regex(/^[a-z]{2}(-[a-z]+)+-\d$/, 'must be a region such as us-east-1')
export const googleRegion = text.regex(
  /^(global|us|eu|[a-z]+-[a-z]+\d)$/,
  'must be global, us, eu or a region such as us-east5',
)
export const googleProject = text.regex(/^[a-z][a-z0-9-]{4,29}$/, 'must be the id of a project')
export const modelIds = text.regex(
  /^[\w.@:[\]-]{1,80}=[\w.@:/-]{1,200}(, ?[\w.@:[\]-]{1,80}=[\w.@:/-]{1,200})*$/,
  'must be a list such as claude-opus-5-5=ID,claude-haiku-5-5=ID',
)

/** Accepts what the gateway and the proxy can reach: a name on port 443, and a path without tricks. */
function isBaseUrl(value: string): boolean {
  if (!URL.canParse(value)) return false
  const { protocol, origin, port, hostname, pathname } = new URL(value)
  const path = pathname === '/' ? '' : pathname
  return (
    protocol === 'https:' &&
    port === '' &&
    /^([a-z0-9-]+\.)+[a-z][a-z0-9-]*$/.test(hostname) &&
    /^(\/[\w.~-]+)*\/?$/.test(pathname) &&
    [origin + path, `${origin}${path}/`].includes(value)
  )
}
