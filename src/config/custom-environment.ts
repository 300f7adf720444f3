import { createProblems, UserError } from '../base/errors.ts'
import { terminalLine } from '../base/terminal-text.ts'
import { customPrefixes } from './setting-names.ts'

/** Maximum bytes of one value: Linux allows 128 KiB, and all variables share the limit of a process. */
const largestValue = 32 * 1024

/** Variables that would undo a control or break a program in the container, with the reason. */
const refused: readonly (readonly [name: RegExp, reason: string])[] = [
  [/^ANTHROPIC_/i, 'it selects the address of the model and the credential'],
  [
    /^CLAUDE_CODE_(OAUTH|API|USE|SKIP|PROVIDER|CLIENT)_?/i,
    'it selects the address of the model and the credential',
  ],
  [/^(CLAUDE_CONFIG_DIR|CLAUDE_SECURE_.*)$/i, 'it is set by claude-secure'],
  [/_PROXY$/i, 'it selects the way out of the container'],
  [
    /^(NODE_OPTIONS|NODE_EXTRA_CA_CERTS|NODE_TLS_REJECT_UNAUTHORIZED|BUN_OPTIONS|BUN_CONFIG.*)$/i,
    'it changes how Claude Code starts, or which TLS certificates it trusts; EXTRA_CA_CERTS adds authorities',
  ],
  [
    /^(LD_.*|GCONV_PATH|BASH_ENV|ENV|BASH_FUNC.*|SHELLOPTS|BASHOPTS|IFS|PS4)$/,
    'it runs code in every program',
  ],
  [
    /^(PERL5.*|PERLLIB|OPENSSL_.*|NODE_(PATH|COMPILE_CACHE|V8_COVERAGE))$/,
    'it loads code into the programs of claude-secure in the container',
  ],
  [/^(PATH|HOME|USER|LOGNAME|SHELL|PWD|TMPDIR|LANG|TERM|HOSTNAME)$/, 'it is set by claude-secure'],
  [/^(RUNNER_|TMUX)/, 'it is set by claude-secure'],
]

/**
 * Returns the variables that `CLAUDE_ENV_X` gives the agent, which sees their values. Rejects variables
 * that would undo a control, and values that contain a credential.
 *
 * @param secrets the real credentials of this checkout.
 * @param prefix prefix of the names, for messages.
 */
export function parseCustomEnvironment(
  values: Readonly<Record<string, string>>,
  secrets: readonly string[],
  prefix: string = customPrefixes.environment,
): Record<string, string> {
  const problems = createProblems()
  for (const [name, value] of Object.entries(values)) {
    try {
      checkVariable(name, value, secrets, prefix)
    } catch (error) {
      problems.add(error)
    }
  }
  problems.throwIfAny()
  return { ...values }
}

function checkVariable(name: string, value: string, secrets: readonly string[], prefix: string) {
  const setting = `${prefix}${terminalLine(name, 60)}`
  if (!/^[A-Za-z_][A-Za-z0-9_]{0,127}$/.test(name)) {
    throw new UserError(`${setting} is not a valid name of a variable`, {
      hint: `use letters, digits and _ after ${prefix}, and no digit first`,
    })
  }
  const reason = refused.find(([pattern]) => pattern.test(name))?.[1]
  if (reason) {
    throw new UserError(`${setting} is refused: ${reason}`, {
      hint: 'remove it; docs/additions.md lists the names that are refused',
    })
  }
  if (secrets.some(secret => value.includes(secret))) {
    throw new UserError(`${setting} contains the credential that the agent must not have`, {
      hint: 'remove it: the gateway adds the credential to each request',
    })
  }
  // biome-ignore lint/suspicious/noControlCharactersInRegex: this pattern finds them
  if (/[\x00-\x08\x0b-\x1f\x7f]/.test(value) || Buffer.byteLength(value) > largestValue) {
    throw new UserError(
      `the value of ${setting} contains control characters or has more than ${largestValue} bytes`,
      { hint: 'put the value into a file and mount it: CLAUDE_MOUNT_1=/path/of/file' },
    )
  }
}
