import { readGitConfig } from '../../config/git-config.ts'

/** A setting and its value, such as `http.https://example.com.proxy`. */
export type GitSetting = readonly [key: string, value: string]

/**
 * The user's settings that a push keeps: how to reach a host, and which addresses stand for others. None of
 * them runs a program.
 */
const kept =
  /^(http\.(.*\.)?(proxy|proxyauthmethod|proxysslcainfo|ssl(cainfo|capath|cert|key|verify|backend|version)|version|postbuffer|lowspeed(limit|time))|url\..*\.(insteadof|pushinsteadof)|ssh\.variant)$/

export type UserGitSettings = {
  settings: GitSetting[]
  /** The user's own ssh, as a shell command; null for the usual one. */
  sshCommand: string | null
}

/**
 * Returns the settings of the user and of the machine that a push needs. Those of the repository are not read:
 * a session's folder may have been written by an agent.
 */
export async function readUserGitSettings(
  read: (args: readonly string[]) => Promise<string> = readGitConfig,
): Promise<UserGitSettings> {
  const listed = (await read(['-z', '--includes', '--list'])).split('\0').flatMap(parseSetting)
  return {
    settings: listed.filter(([key]) => kept.test(lowered(key))),
    sshCommand: listed.findLast(([key]) => key === 'core.sshcommand')?.[1] || null,
  }
}

/** Parses `key\nvalue`; a key alone is a boolean that is on. */
function parseSetting(entry: string): GitSetting[] {
  if (entry === '') return []
  const end = entry.indexOf('\n')
  return [end < 0 ? [entry, 'true'] : [entry.slice(0, end), entry.slice(end + 1)]]
}

function lowered(key: string) {
  return key.toLowerCase()
}

/** Renders a configuration file of git. The value of no setting can end its quotes. */
export function renderGitSettings(settings: readonly GitSetting[]): string {
  return settings
    .map(([key, value]) => {
      const [first, last] = [key.indexOf('.'), key.lastIndexOf('.')]
      const middle = first === last ? '' : ` ${quoted(key.slice(first + 1, last))}`
      return `[${key.slice(0, first)}${middle}]\n\t${key.slice(last + 1)} = ${quoted(value)}\n`
    })
    .join('')
}

function quoted(text: string) {
  const escaped = text.replaceAll('\\', '\\\\').replaceAll('"', '\\"').replaceAll('\n', '\\n')
  return `"${escaped}"`
}
