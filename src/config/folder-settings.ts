import { parseEnv } from 'node:util'
import { command } from '../base/command.ts'
import { UserError } from '../base/errors.ts'
import { terminalLine } from '../base/terminal-text.ts'
import { parseGitRepositories } from './git-repositories.ts'
import { nearestName } from './issue-message.ts'
import { isCustomName, ourName, serverSettingNames, settingNames } from './setting-names.ts'

const secret = 'it is a secret, and a command line shows in the process list and the history'
const builds = 'the images of all folders are built with it'

/** Settings that hold for the whole checkout, and why. */
const ofCheckout: Readonly<Record<string, string>> = {
  ...Object.fromEntries(
    serverSettingNames.map(name => [name, 'the server stack belongs to no folder']),
  ),
  ANTHROPIC_API_KEY: secret,
  CLAUDE_CODE_OAUTH_TOKEN: secret,
  ANTHROPIC_AUTH_TOKEN: secret,
  AWS_SECRET_ACCESS_KEY: secret,
  AWS_SESSION_TOKEN: secret,
  AWS_BEARER_TOKEN_BEDROCK: secret,
  PARENT_PROXY: 'it may hold a password, and the images of all folders are built through it',
  PARENT_PROXY_LOGIN: builds,
  PARENT_PROXY_EXCEPT: builds,
  BASE_IMAGE: builds,
  DEBIAN_MIRROR: builds,
}

/** Refuses a setting that cannot be set for one folder. */
export function refuseOfCheckout(name: string, where: string) {
  const why = ofCheckout[name]
  if (why === undefined) return
  throw new UserError(`${where}: ${name} cannot be set for one folder: ${why}`, {
    hint: `set ${name} in .env, or in the environment of the command`,
    exitCode: 2,
  })
}

/** Parses `NAME=value` of a command line. */
export function parseAssignment(text: string): { name: string; value: string } {
  const [, typed = '', value = ''] = /^([A-Za-z_][A-Za-z0-9_]*)=(.*)$/s.exec(text) ?? []
  // Not shown: it may be a pasted key.
  if (typed === '') {
    throw new UserError('an argument is not of the form NAME=VALUE', {
      hint: `write, for example: ${command('config --here AGENT_MEMORY=8g')}`,
      exitCode: 2,
    })
  }
  const name = parseSettingName(typed)
  // biome-ignore lint/suspicious/noControlCharactersInRegex: this pattern finds them
  if (value === '' || value.length > 4096 || /[\x00-\x1f\x7f]/.test(value)) {
    throw new UserError(`the value of ${name} is empty, too long, or has control characters`, {
      hint: `to remove the setting, run ${command(`config --here --unset ${name}`)}`,
      exitCode: 2,
    })
  }
  return { name, value }
}

/** Returns the setting of a typed name; refuses an unknown one, and one that is for the whole checkout. */
export function parseSettingName(typed: string): string {
  const name =
    typed === 'CLAUDE_SSH_DIR' || typed === 'CLAUDEBOX_SSH_DIR' ? 'SSH_DIR' : ourName(typed)
  const known: readonly string[] = settingNames
  if (!known.includes(name) && !isCustomName(name)) {
    const near = nearestName(name, known)
    throw new UserError(`unknown setting ${terminalLine(typed, 60)}`, {
      hint: near ? `did you mean ${near}?` : '.env.example lists every setting',
      exitCode: 2,
    })
  }
  refuseOfCheckout(name, 'config --here')
  return name
}

/** Returns what a setting gives away, for the user to read; null for one that weakens nothing. */
export function weakening(name: string, value: string): string | null {
  if (name === 'PROTECT' && value !== 'all') {
    return `PROTECT=${value} lets the agent of this folder write files that your host runs`
  }
  if (name === 'CREDENTIALS' && value === 'direct') {
    return 'CREDENTIALS=direct puts the login of this folder into the container of the agent'
  }
  if (name === 'GIT_REPOSITORIES') {
    const pushes = parseGitRepositories(value)?.some(({ push }) => push) ?? true
    return `GIT_REPOSITORIES lets the agent of this folder read ${value}${pushes ? ', and push branches claude/… there,' : ''} with your token`
  }
  if (name === 'ANTHROPIC_BASE_URL') {
    return `the credential of this folder goes to ${new URL(value).host}`
  }
  return null
}

/** Renders a line that `parseEnv` reads back as this value; null when no quotes can hold it. */
export function renderAssignment(name: string, value: string): string | null {
  const forms = ['', "'", '"', '`'].map(quote => `${name}=${quote}${value}${quote}`)
  return forms.find(line => parseEnv(`${line}\n`)[name] === value) ?? null
}
