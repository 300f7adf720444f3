import { type GitRepository, nameOf } from '../../config/git-repositories.ts'
import { list } from '../attempts.ts'
import { type Check, check } from '../probe.ts'
import type { Scene } from '../scene.ts'

/** One request to the gateway, and the answer of a gateway that refuses it. */
type Attempt = { name: string; text: string; refusal: RegExp }

const claims = {
  unlisted: 'the gateway reaches no repository that is not listed',
  pushes: 'the gateway pushes to branches below claude/ of listed repositories alone',
  callers: 'git reaches the gateway with the placeholder of the stack alone',
}

const zeros = '0'.repeat(40)
/** No host has this commit: a push that got through would create nothing. */
const nowhere = '1'.repeat(40)
const mostTried = 3

/**
 * Attacks the live gateway's way to repositories, from the agent. Each request is one that changes
 * nothing even if it got through.
 */
export async function repositoryChecks({
  agent,
  credential,
  inspections,
}: Pick<Scene, 'agent' | 'credential' | 'inspections'>): Promise<Check[]> {
  // Tenants of a server have no repositories, and their placeholders are tried by other probes.
  if (!credential || credential.callers || !inspections.containers.has('gateway')) return []
  const listed = credential.git?.repositories ?? []
  const header = headerOf(credential.placeholder)
  const judge = async (claim: string, attempts: readonly Attempt[]): Promise<Check> => {
    const answers = await Promise.all(
      attempts.map(({ text }) => agent.dial('gateway', 8787, { send: text, wait: 5_000 })),
    )
    const passed = attempts.filter(({ refusal }, at) => !refusal.test(answers[at]?.received ?? ''))
    const names = passed.map(({ name }) => name)
    const evidence = `${attempts.length} tried, ${names.length > 0 ? `not refused: ${list(names)}` : 'all refused'}`
    return check(claim, names.length === 0, evidence)
  }
  const checks = [judge(claims.unlisted, unlisted(listed, header))]
  if (listed.length > 0) {
    checks.push(judge(claims.pushes, listed.slice(0, mostTried).flatMap(pushes(header))))
    checks.push(judge(claims.callers, listed.slice(0, 1).flatMap(callers)))
  }
  return Promise.all(checks)
}

function headerOf(placeholder: string): string {
  return placeholder.startsWith('sk-ant-oat')
    ? `authorization: Bearer ${placeholder}`
    : `x-api-key: ${placeholder}`
}

const refs = (name: string, service = 'git-upload-pack') =>
  `GET /git/${name}/info/refs?service=${service}`

const notServed = /^HTTP\/1\.1 403 |ERR claude-secure: [^\n]* is not in GIT_REPOSITORIES/

function unlisted(listed: readonly GitRepository[], header: string): Attempt[] {
  const [first] = listed
  const near = first ? [`${nameOf(first)}-audit`, `${nameOf(first)}/../audit`] : []
  return ['github.com/claude-secure-audit/unlisted', ...near].map(name => ({
    ...{ name, refusal: notServed },
    text: request(refs(name), [header]),
  }))
}

function pushes(header: string) {
  return (repository: GitRepository): Attempt[] => {
    const name = nameOf(repository)
    return ['refs/heads/claude-secure-audit', 'refs/tags/claude-secure-audit', 'HEAD'].map(ref => {
      const first = `${zeros} ${nowhere} ${ref}\0 report-status`
      const body = `${(first.length + 4).toString(16).padStart(4, '0')}${first}0000`
      const type = 'content-type: application/x-git-receive-pack-request'
      return {
        name: `${ref} of ${name}`,
        text: request(`POST /git/${name}/git-receive-pack`, [header, type], body),
        refusal: /(ng [^\n]* |ERR )claude-secure: /,
      }
    })
  }
}

function callers(repository: GitRepository): Attempt[] {
  const line = refs(nameOf(repository))
  const foreign = ['x-api-key: sk-ant-api03-audit', 'authorization: Basic eDp4']
  return [[], ...foreign.map(header => [header])].map(headers => ({
    ...{ name: headers[0] ?? 'without a key', text: request(line, headers) },
    refusal: /^HTTP\/1\.1 40[13] /,
  }))
}

function request(line: string, headers: readonly string[], body = ''): string {
  const head = [
    `${line} HTTP/1.1`,
    'host: gateway:8787',
    ...headers,
    `content-length: ${body.length}`,
    'connection: close',
  ]
  return `${head.join('\r\n')}\r\n\r\n${body}`
}
