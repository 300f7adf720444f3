import { command } from '../base/command.ts'
import { messageOf, UserError } from '../base/errors.ts'
import { credentialKind, wantedKind } from '../config/credential-form.ts'
import { type Settings, secretSettings } from '../config/settings.ts'
import { credentialMode, weakness } from '../stack/credential.ts'
import { type Check, note, ok, problem, warning } from './diagnosis.ts'

type SecretName = (typeof secretSettings)[number]
type Kind = NonNullable<ReturnType<typeof credentialKind>> | 'credential of unknown kind'

/** A credential with its place and kind. Never its value or a part of it. */
export type FoundCredential = { name: SecretName; where: '.env' | 'environment'; kind: Kind }

export type CredentialFacts = {
  found: readonly FoundCredential[]
  /** Variables of the user's shell that Claude Code on the host would use, and a stack does not. */
  unused: readonly string[]
  /** True when the user's own Claude Code is logged in on this host. */
  hostLogin: boolean
}

const otherVariables = ['ANTHROPIC_AUTH_TOKEN', 'AWS_BEARER_TOKEN_BEDROCK']

/** Finds credentials. Call it before the settings are loaded, which removes secrets from the environment. */
export function findCredentials(
  file: Record<string, string | undefined>,
  env: NodeJS.ProcessEnv,
): Pick<CredentialFacts, 'found' | 'unused'> {
  const from = (where: FoundCredential['where'], values: Record<string, string | undefined>) =>
    secretSettings.flatMap(name => {
      const value = values[name]
      return value ? [{ name, where, kind: kindOf(value) }] : []
    })
  return {
    found: [...from('environment', env), ...from('.env', file)],
    unused: otherVariables.filter(name => env[name]),
  }
}

function kindOf(value: string): Kind {
  return credentialKind(value) ?? 'credential of unknown kind'
}

/** Judges which credential is used, who reads it, and which others exist. */
export function judgeCredentials(settings: Settings, facts: CredentialFacts): Check[] {
  const used = usedOf(facts.found)
  return [
    judgeCustody(settings, used),
    ...(used ? judgeKind(used) : []),
    ...facts.found.filter(found => found !== used).map(found => idle(found, used)),
    ...facts.unused.map(name =>
      note(
        'credential-unused',
        `${name} in your environment is not used`,
        'set ANTHROPIC_API_KEY or CLAUDE_CODE_OAUTH_TOKEN: a stack uses no other credential',
      ),
    ),
    ...(facts.hostLogin
      ? [
          note(
            'credential-host',
            'Claude Code on this host is logged in; stacks neither use nor see that login',
            '',
          ),
        ]
      : []),
  ]
}

/** The environment wins over .env for each name, and the key over the token. */
function usedOf(found: readonly FoundCredential[]) {
  return secretSettings.map(name => found.find(item => item.name === name)).find(Boolean)
}

function judgeCustody(settings: Settings, used: FoundCredential | undefined): Check {
  const id = 'credential'
  try {
    const weaker = weakness(credentialMode(settings))
    if (weaker) {
      return warning(
        id,
        `no key or token in .env: ${weaker}`,
        `put ANTHROPIC_API_KEY or CLAUDE_CODE_OAUTH_TOKEN into .env, or run ${command('setup-token')}`,
      )
    }
    const place = used ? `${used.name} from ${placeOf(used)}` : 'a credential'
    return ok(id, `${place}: ${used?.kind ?? ''}, readable by the gateway alone`)
  } catch (error) {
    return problem(id, messageOf(error), error instanceof UserError ? error.hint : '')
  }
}

function judgeKind(used: FoundCredential): Check[] {
  const id = 'credential-kind'
  const where = `${used.name} in ${placeOf(used)}`
  switch (used.kind) {
    case wantedKind[used.name]:
    // Other gateways and tests use keys of another form.
    case 'credential of unknown kind':
      return []
    case 'admin key':
      return [
        warning(
          id,
          `${where} is an admin key: it cannot call the model, but can change the organisation`,
          'put an ordinary API key there',
        ),
      ]
    case 'refresh token':
      return [
        warning(
          id,
          `${where} is a refresh token, which is not a credential by itself`,
          `run ${command('setup-token')}`,
        ),
      ]
    default: {
      const right = secretSettings.find(name => wantedKind[name] === used.kind)
      return [warning(id, `${where} is an ${used.kind}`, `move it to ${right}`)]
    }
  }
}

function idle(found: FoundCredential, used: FoundCredential | undefined): Check {
  const other = used ? `${used.name} from ${placeOf(used)} takes precedence` : ''
  return note(
    'credential-unused',
    `${found.name} in ${placeOf(found)} is not used: ${other}`,
    'remove credentials that you do not need',
  )
}

function placeOf({ where }: FoundCredential) {
  return where === '.env' ? '.env' : 'your environment'
}
