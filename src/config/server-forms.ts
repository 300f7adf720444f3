import * as z from 'zod'
import { text } from './setting-forms.ts'

/** Splits a comma-separated list, and leaves out empty words. */
export function listOf(value: string): string[] {
  return value
    .split(',')
    .map(word => word.trim())
    .filter(word => word !== '')
}

const list = text
  .max(2000, 'must have at most 2000 characters')
  .refine(value => listOf(value).length > 0, { error: 'must not be empty' })

// The host and the server use the same forms: the server would refuse at each of its restarts what the host
// let through.

export const allowedHosts = list.refine(
  value => listOf(value).every(host => /^([a-z0-9._-]{1,253}|\[[0-9a-f:.]{2,45}\])$/i.test(host)),
  { error: 'must be a list of host names without ports' },
)

export const allowedOrigins = list.refine(
  value => listOf(value).every(word => URL.canParse(word) && new URL(word).origin === word),
  { error: 'must be a list of origins such as https://a.example' },
)

export const webhookUrl = z
  .url({ protocol: /^https$/, error: 'must be an https:// URL' })
  .refine(value => !URL.canParse(value) || isWithoutLogin(new URL(value)), {
    error: 'must not have a user or a password',
  })

function isWithoutLogin({ username, password }: URL): boolean {
  return username === '' && password === ''
}
