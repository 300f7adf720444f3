import { command } from '../../base/command.ts'
import { answerType } from './answer.ts'
import type { GitTarget } from './git-target.ts'

/**
 * Returns why an answer of a repository's host does not pass, or null. Its text does not pass either:
 * git would show a page, and ask for a password after a 401.
 */
export function refusedAnswer(
  target: GitTarget,
  statusCode: number,
  contentType: string | string[] | undefined,
): string | null {
  const [host] = target.repository.split('/')
  switch (statusCode) {
    case 200:
      return contentType === answerType(target)
        ? null
        : `${host} did not answer as a git server. On the host: check the name in GIT_REPOSITORIES`
    case 401:
    case 403:
      return `${host} refused the token of the host (${statusCode}). On the host: run ${command('doctor')}`
    case 404:
      return `${host} has no such repository, or the token of the host may not use it (404). On the host: run ${command('doctor')}`
    case 301:
    case 302:
    case 307:
    case 308:
      // Never followed: the token would go where the answer says.
      return `${host} moved ${target.repository}. On the host: put its new name into GIT_REPOSITORIES`
    default:
      return `${host} answered with status ${statusCode}`
  }
}
