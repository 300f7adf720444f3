/**
 * A token of the user for the repositories of one host. It stays on the host and in the gateway: never
 * print it, and never give it to an agent, an argument or an environment.
 */
export type ForgeToken = {
  host: string
  /** User name of HTTP's Basic authentication. Hosts that take any name ignore it. */
  user: string
  token: string
  /** Where it was found, for messages: `GH_TOKEN of the environment`. Holds no part of the token. */
  source: string
}

/** The most that a host may have: a token is a part of one header. */
const mostCharacters = 1024

/** Returns whether a text can be a token: any other character could end the header and begin another. */
export function isToken(text: unknown): text is string {
  return typeof text === 'string' && /^[\x21-\x7e]{4,}$/.test(text) && text.length <= mostCharacters
}

/** Returns whether a text is the host of a URL, with or without a port. */
export function isHost(text: string): boolean {
  return /^[a-z0-9]([a-z0-9._-]{0,251}[a-z0-9])?(:\d{1,5})?$/.test(text)
}
