import * as z from 'zod/mini'

const host = z
  .string()
  .check(z.maxLength(253), z.regex(/^([a-z0-9_-]{1,63}\.)+[a-z][a-z0-9-]{0,62}$/))
const path = z
  .string()
  .check(z.maxLength(200), z.regex(/^[A-Za-z0-9_~][\w.~+-]*(\/[A-Za-z0-9_~][\w.~+-]*){0,9}$/))
/** Of HTTP's Basic authentication: a colon would end the name. */
const user = z.string().check(z.regex(/^[\x21-\x39\x3b-\x7e]{1,256}$/))
const token = z.string().check(z.maxLength(1024), z.regex(/^[\x21-\x7e]{4,}$/))

/** The repositories that a stack's agent may use, and the user's tokens for their hosts. */
export const GitAccess = z.strictObject({
  repositories: z.array(z.strictObject({ host, path, push: z.boolean() })).check(z.maxLength(32)),
  tokens: z.array(z.strictObject({ host, user, token })).check(z.maxLength(32)),
})
export type GitAccess = z.infer<typeof GitAccess>
export type Repository = GitAccess['repositories'][number]

/** Returns the header with the user's token for a host; none for a public repository. */
export function authorizationFor({ tokens }: GitAccess, host: string): Record<string, string> {
  const found = tokens.find(token => token.host === host)
  if (!found) return {}
  const pair = Buffer.from(`${found.user}:${found.token}`).toString('base64')
  return { authorization: `Basic ${pair}` }
}
