import { z } from 'zod'
import { systemCode, UserError } from '../../base/errors.ts'
import { terminalLine } from '../../base/terminal-text.ts'
import type { ForgeAnswer } from './forge-answer.ts'

/** Errors of the three forges; GitLab's `message` may be a list, or lists by field. */
const ErrorBody = z.object({
  message: z.unknown().optional(),
  error: z.unknown().optional(),
  errors: z.array(z.unknown()).optional().catch(undefined),
})

/** Returns what a forge says about a refusal, on one line and safe for a terminal; empty without it. */
export function forgeMessage({ body }: ForgeAnswer): string {
  const parsed = ErrorBody.safeParse(body)
  if (!parsed.success) return ''
  const { message, error, errors = [] } = parsed.data
  const texts = [message ?? error, ...errors].flatMap(textsOf)
  return terminalLine([...new Set(texts)].join('; '))
}

function textsOf(value: unknown): string[] {
  if (typeof value === 'string') return [value]
  if (Array.isArray(value)) return value.flatMap(textsOf)
  if (typeof value !== 'object' || value === null) return []
  if ('message' in value) return textsOf(value.message)
  if ('field' in value && 'code' in value) return [`${value.field}: ${value.code}`]
  return Object.entries(value).flatMap(([field, what]) =>
    textsOf(what).map(text => `${field} ${text}`),
  )
}

export type Attempt = {
  host: string
  /** The repository, such as `group/name`. */
  repository: string
  /** Completes "cannot …": `open a pull request`. */
  action: string
}

/** Builds the error for an answer that is not the expected one. */
export function forgeFailure(answer: ForgeAnswer, attempt: Attempt): UserError {
  const { host, repository, action } = attempt
  const { status } = answer
  const said = forgeMessage(answer)
  const because = said === '' ? `status ${status}` : `${status}: ${said}`
  const failed = (text: string, hint: string) => new UserError(text, { hint })

  const again = retryTime(answer)
  if (status === 429 || (status === 403 && again !== null)) {
    return failed(
      `${host} accepts no more requests${again ? ` until ${again}` : ' for now'} (${status})`,
      'wait, then repeat the command; a token has a limit of its own',
    )
  }
  switch (status) {
    case 401:
      return failed(
        `${host} refused the token (${because})`,
        `log in again, such as with gh auth login --hostname ${host}, or set a new token`,
      )
    case 403:
      return failed(
        `${host} does not let this token ${action} in ${repository} (${because})`,
        'give the token the right to read the repository and to write pull requests',
      )
    case 404:
      return failed(
        `${host} cannot find what is needed to ${action} in ${repository} (${because})`,
        'check the URL of the remote and the number; a token must be allowed to see a private repository',
      )
    case 409:
    case 422:
    case 400:
      return failed(
        `${host} refused to ${action} in ${repository} (${because})`,
        'check that both branches are pushed and differ, then repeat the command',
      )
    default:
      return failed(
        status >= 500
          ? `${host} failed to ${action} in ${repository} (${because})`
          : `${host} did not answer as expected to ${action} in ${repository} (${because})`,
        status >= 500 ? 'repeat the command later' : 'check the URL of the remote',
      )
  }
}

/** Builds the error for a success whose content is not that of the API. */
export function strangeAnswer({ host, repository, action }: Attempt, cause: unknown): UserError {
  return new UserError(`${host} gave an unknown answer to ${action} in ${repository}`, {
    hint: 'check that the host is the forge of this repository, and its version',
    cause,
  })
}

/** Returns when requests are accepted again, as `14:05 UTC`; null when the answer does not limit them. */
function retryTime(answer: ForgeAnswer): string | null {
  const seconds = (name: string) => {
    const value = answer.header(name)
    return value !== null && /^\d{1,12}$/.test(value) ? Number(value) : null
  }
  const wait = seconds('retry-after')
  const reset = seconds('x-ratelimit-reset') ?? seconds('ratelimit-reset')
  if (wait !== null) return clock(Date.now() / 1_000 + wait)
  const left = seconds('x-ratelimit-remaining') ?? seconds('ratelimit-remaining')
  return left === 0 && reset !== null ? clock(reset) : null
}

function clock(seconds: number) {
  const at = new Date(seconds * 1_000)
  return Number.isNaN(at.getTime()) ? null : `${at.toISOString().slice(11, 16)} UTC`
}

/** Builds the error for a request without an answer. Uses the error's code alone: its text may quote a request. */
export function unreachable(host: string, error: unknown, milliseconds: number): UserError {
  const timeout = error instanceof Error && error.name === 'TimeoutError'
  const code = systemCode(error) ?? 'no reason given'
  if (timeout || code === 'UND_ERR_HEADERS_TIMEOUT') {
    return new UserError(`${host} did not answer within ${milliseconds / 1_000} s`, {
      hint: 'check the network, then repeat the command',
    })
  }
  const certificate = /CERT|SELF_SIGNED|UNABLE_TO_/.test(code)
  return new UserError(`cannot reach ${host} (${code})`, {
    hint: certificate
      ? 'set NODE_EXTRA_CA_CERTS to the CA file of your network'
      : 'check the network, HTTPS_PROXY and the URL of the remote',
  })
}
