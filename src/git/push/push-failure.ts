import { UserError } from '../../base/errors.ts'
import { lastLine, terminalLine } from '../../base/terminal-text.ts'
import { describeRemote, type RemoteUrl } from '../remote-url.ts'

export type FailedPush = {
  remote: RemoteUrl
  branch: string
  /** Output of git in English. The remote wrote a part of it. */
  stdout: string
  stderr: string
  /** Whether a token was there to log in with. */
  hadToken: boolean
}

/** Builds the error for a push that git or the remote refused. */
export function pushFailure({ remote, branch, stdout, stderr, hadToken }: FailedPush): UserError {
  const where = describeRemote(remote)
  const host = terminalLine(remote.host)
  const failed = (text: string, hint: string) =>
    new UserError(text, { hint, cause: new Error(stderr) })

  // Git's own words, not those of the remote, which begin with `remote:`.
  const own = stderr
    .split('\n')
    .filter(line => !line.startsWith('remote:'))
    .join('\n')
  const rejected = /^!\t[^\t]*\t\[(remote )?rejected\] \((.*)\)$/m.exec(stdout)
  if (rejected) {
    const reason = terminalLine(rejected[2] ?? '')
    if (/non-fast-forward|fetch first|needs force/.test(reason)) {
      return failed(
        `${where} has commits on ${branch} that this push would drop`,
        'push to another branch, or repeat it with --force to replace them',
      )
    }
    if (/stale info/.test(reason)) {
      return failed(
        `${branch} of ${where} changed during the push`,
        'look at its new commits, then repeat the command',
      )
    }
    return failed(
      `${where} refused the push to ${branch}: ${reason}`,
      'choose another branch, or ask its owner',
    )
  }
  if (/Host key verification failed/.test(own)) {
    return failed(
      `the host key of ${host} is not known, or is another one than before`,
      `compare its fingerprint with the published one: run ssh ${host} once yourself`,
    )
  }
  if (/Permission denied \(|Too many authentication failures/.test(own)) {
    return failed(
      `${host} did not accept a key of yours`,
      'add the key to ssh-agent or name it in ~/.ssh/config; core.sshCommand of the repository is not used',
    )
  }
  if (/could not read (Username|Password)|Authentication failed|returned error: 401/.test(own)) {
    return failed(
      hadToken
        ? `${host} refused the token`
        : `${host} requires a login, and there is no token for it`,
      `log in, such as with gh auth login --hostname ${host}, or set a token that may write to the repository`,
    )
  }
  if (/returned error: 403/.test(own)) {
    return failed(
      `the token may not push to ${where}`,
      'give it the right to write the contents of the repository',
    )
  }
  if (
    /returned error: 404|[Rr]epository .*not found|does not appear to be a git repository/.test(own)
  ) {
    return failed(
      `${where} does not exist, or you may not see it`,
      'check the URL of the remote, and the rights of your key or token',
    )
  }
  if (/unable to update url base from redirection|returned error: 30\d/.test(own)) {
    return failed(`${where} has moved`, 'set its new URL with git remote set-url')
  }
  if (/transport '.*' not allowed/.test(own)) {
    return failed(`${where} leads to a transport that is not allowed`, 'use an https or ssh URL')
  }
  const last = lastLine(own.replace(/\n*error: failed to push some refs.*\n*$/, ''))
  return failed(
    `cannot push to ${where}: ${last || 'git gave no reason'}`,
    'check the network and the URL of the remote, then repeat the command',
  )
}
