import { UserError } from '../base/errors.ts'
import { terminalLine } from '../base/terminal-text.ts'

/** A login of the user at a host. Never in an argument, an environment, a log or an error. */
export type Login = {
  /** User name of HTTP's Basic authentication, which some hosts require beside a token. */
  user: string
  token: string
}

/** Finds the login for a host, such as `github.com` or `git.example:8443`; null without one. */
export type FindLogin = (host: string) => Promise<Login | null>

/** Throws for a token that could end the header or the line that it becomes a part of; without its value. */
export function checkToken(token: string, host: string): void {
  if (/^[\x21-\x7e]{1,4096}$/.test(token)) return
  throw new UserError(
    `the token for ${terminalLine(host)} has characters that a token cannot have`,
    { hint: 'check for a space, a line break or a quotation mark in it' },
  )
}

/** Whether a token may be sent: over https, or without leaving this machine. */
export function mayHaveToken(protocol: string, host: string): boolean {
  return protocol === 'https:' || (protocol === 'http:' && isLoopback(host))
}

function isLoopback(host: string) {
  return host === 'localhost' || host === '[::1]' || host === '::1' || /^127(\.\d+){3}$/.test(host)
}
