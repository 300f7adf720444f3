import { join } from 'node:path'
import { type Asked, readOwnFile } from './asked.ts'
import { type ForgeToken, isToken } from './forge-token.ts'

/** Milliseconds. A helper that opens a window would wait forever. */
const longest = 5_000
const fileBytes = 64 * 1024

/**
 * Asks git's credential helpers, which the user configured: the keychain, libsecret, `store`, `cache`.
 * Nothing is asked on a terminal or in a window, and no repository takes part.
 */
export async function helperToken(host: string, asked: Asked): Promise<ForgeToken | null> {
  const answer = await asked.run('git', ['credential', 'fill'], {
    timeout: longest,
    input: `protocol=https\nhost=${host}\n\n`,
  })
  const values = new Map(
    (answer ?? '').split('\n').map((line): [string, string] => {
      const end = line.indexOf('=')
      return [line.slice(0, end), line.slice(end + 1)]
    }),
  )
  const [user, token] = [values.get('username'), values.get('password')]
  return isToken(token) && isUser(user)
    ? { host, user, token, source: "git's credential helper" }
    : null
}

/** Returns the password of a host in ~/.netrc, which git reads too. */
export async function netrcToken(host: string, asked: Asked): Promise<ForgeToken | null> {
  const text = await readOwnFile(join(asked.home, '.netrc'), asked, fileBytes)
  if (!text) return null
  const entry = entryOf(text, host)
  const [user, token] = [entry.get('login'), entry.get('password')]
  return isToken(token) && isUser(user) ? { host, user, token, source: '~/.netrc' } : null
}

/** Returns the members of a host's entry. `default`, which is for every host, would send a token anywhere. */
function entryOf(text: string, host: string): Map<string, string> {
  const words = text.replaceAll(/^\s*#.*$/gm, '').split(/\s+/)
  const start = words.findIndex((word, at) => word === 'machine' && words[at + 1] === host)
  if (start < 0) return new Map()
  const rest = words.slice(start + 2)
  const end = rest.findIndex(word => ['machine', 'default', 'macdef'].includes(word))
  const own = end < 0 ? rest : rest.slice(0, end)
  return new Map(
    own.flatMap((word, at): [string, string][] =>
      at % 2 === 0 ? [[word, own[at + 1] ?? '']] : [],
    ),
  )
}

/** A colon would end the name in HTTP's Basic authentication. */
function isUser(text: string | undefined): text is string {
  return text !== undefined && /^[\x21-\x39\x3b-\x7e]{1,256}$/.test(text)
}
