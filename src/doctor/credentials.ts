import { command } from '../base/command.ts'
import { messageOf, UserError } from '../base/errors.ts'
import { credentialKind, wantedKind } from '../config/credential-form.ts'
import { upstreamChoices } from '../config/model-upstream.ts'
import { secretSettings } from '../config/secret-settings.ts'
import type { Settings } from '../config/settings.ts'
import { credentialMode, weakness } from '../stack/credential.ts'
import { type Check, note, ok, problem, warning } from './diagnosis.ts'

type SecretName = (typeof secretSettings)[number]
/** Kinds that no prefix tells. */
const ownKinds: Partial<Record<SecretName, string>> = {
  ANTHROPIC_AUTH_TOKEN: "bearer token of a company's gateway",
  AWS_SECRET_ACCESS_KEY: 'access key for Amazon Bedrock',
  AWS_BEARER_TOKEN_BEDROCK: 'API key of Amazon Bedrock',
}
type Kind = NonNullable<ReturnType<typeof credentialKind>> | 'credential of unknown kind'

/** A credential with its place and kind. Never its value or a part of it. */
export type FoundCredential = { name: SecretName; where: '.env' | 'environment'; kind: Kind }

export type CredentialFacts = { found: readonly FoundCredential[] }

/** Parts of an access key for AWS. Other programs use them too, so those of the shell are not reported. */
const awsKey: readonly SecretName[] = ['AWS_SECRET_ACCESS_KEY', 'AWS_SESSION_TOKEN']

/** Finds credentials. Call it before the settings are loaded, which removes secrets from the environment. */
export function findCredentials(
  file: Record<string, string | undefined>,
  env: NodeJS.ProcessEnv,
): CredentialFacts {
  const from = (where: FoundCredential['where'], values: Record<string, string | undefined>) =>
    secretSettings.flatMap(name => {
      const value = values[name]
      return value ? [{ name, where, kind: kindOf(value) }] : []
    })
  return { found: [...from('environment', env), ...from('.env', file)] }
}

function kindOf(value: string): Kind {
  return credentialKind(value) ?? 'credential of unknown kind'
}

/** Judges which credential is used, who reads it, and which others exist. */
export function judgeCredentials(settings: Settings, facts: CredentialFacts): Check[] {
  const used = usedOf(settings, facts.found)
  return [
    judgeCustody(settings, used),
    ...(used ? judgeKind(used) : []),
    ...facts.found
      .filter(found => found !== used && !awsKey.includes(found.name))
      .map(found => idle(found, used)),
  ]
}

/** The environment wins over .env for each name, and the key over the token. */
function usedOf(settings: Settings, found: readonly FoundCredential[]) {
  return namesOf(settings)
    .map(name => found.find(item => item.name === name))
    .find(Boolean)
}

/** Returns the settings that hold the credential of the upstream, the first one first. */
function namesOf(settings: Settings): readonly SecretName[] {
  switch (upstreamChoices(settings)[0]) {
    case 'ANTHROPIC_BASE_URL':
      return ['ANTHROPIC_AUTH_TOKEN', 'ANTHROPIC_API_KEY']
    case 'CLAUDE_CODE_USE_BEDROCK':
      return ['AWS_BEARER_TOKEN_BEDROCK', 'AWS_SECRET_ACCESS_KEY']
    case 'CLAUDE_CODE_USE_VERTEX':
      return []
    default:
      return ['ANTHROPIC_API_KEY', 'CLAUDE_CODE_OAUTH_TOKEN']
  }
}

function judgeCustody(settings: Settings, used: FoundCredential | undefined): Check {
  const id = 'credential'
  try {
    const mode = credentialMode(settings)
    const weaker = weakness(mode)
    if (weaker) {
      return warning(
        id,
        `no key or token in .env: ${weaker}`,
        `put ANTHROPIC_API_KEY or CLAUDE_CODE_OAUTH_TOKEN into .env, or run ${command('setup-token')}`,
      )
    }
    if (mode === 'vertex') {
      const account = 'the service account in GOOGLE_APPLICATION_CREDENTIALS'
      return ok(id, `${account}, readable by the gateway alone`)
    }
    const place = used ? `${used.name} from ${placeOf(used)}` : 'a credential'
    const kind = used && (ownKinds[used.name] ?? used.kind)
    return ok(id, `${place}: ${kind ?? ''}, readable by the gateway alone`)
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
