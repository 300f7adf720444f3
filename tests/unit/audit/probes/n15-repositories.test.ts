import t from 'tap'
import { repositoryChecks } from '../../../../src/audit/probes/n15-repositories.ts'

type Scene = Parameters<typeof repositoryChecks>[0]

const git = {
  repositories: [
    { host: 'git.test', path: 'me/app', push: true },
    { host: 'git.test', path: 'me/lib', push: false },
  ],
  tokens: [{ host: 'git.test', user: 'ada', token: 'SENTINEL' }],
}

/** A gateway that answers each request as told. */
function scene(answer: (text: string) => string, given: Partial<Scene['credential']> = { git }) {
  const sent: string[] = []
  const fake = {
    agent: {
      async dial(_host: string, _port: number, { send }: { send: string }) {
        sent.push(send)
        return { received: answer(send) }
      },
    },
    credential: { secret: 's', placeholder: 'sk-ant-oat01-placeholder', ...given },
    inspections: { containers: new Map([['gateway', {}]]) },
  }
  return { sent, scene: fake as unknown as Scene }
}

const refusing = (text: string) => {
  if (!text.includes('placeholder')) return 'HTTP/1.1 401 Unauthorized\r\n\r\n'
  if (text.startsWith('POST')) return 'HTTP/1.1 200 OK\r\n\r\n003bng refs/x claude-secure: only …\n'
  return 'HTTP/1.1 200 OK\r\n\r\n0040ERR claude-secure: a is not in GIT_REPOSITORIES'
}

t.test('a gateway that refuses all of it holds', async t => {
  const { sent, scene: given } = scene(refusing)
  const checks = await repositoryChecks(given)
  t.match(
    checks.map(({ claim, verdict }) => `${verdict}: ${claim}`),
    [
      'held: the gateway reaches no repository that is not listed',
      'held: the gateway pushes to branches below claude/ of listed repositories alone',
      'held: git reaches the gateway with the placeholder of the stack alone',
    ],
  )
  t.ok(sent.some(text => text.includes('authorization: Bearer sk-ant-oat01-placeholder')))
  t.notMatch(sent.join('') + JSON.stringify(checks), /SENTINEL/)
})

t.test('a gateway that passes a request on is open, whatever the host says', async t => {
  const passing = (answer: string) => async (match: RegExp) => {
    const { scene: given } = scene(text => (match.test(text) ? answer : refusing(text)))
    return (await repositoryChecks(given)).map(({ verdict }) => verdict)
  }
  const refused = passing('HTTP/1.1 200 OK\r\n\r\n0022ng refs/tags/x missing objects\n')
  t.same(await refused(/unlisted/), ['open', 'held', 'held'])
  t.same(await refused(/me\/app-audit/), ['open', 'held', 'held'])
  t.same(await refused(/refs\/tags/), ['held', 'open', 'held'])
  t.same(await refused(/Basic/), ['held', 'held', 'open'])
  t.same(await passing('')(/HEAD\0/), ['held', 'open', 'held'], 'no answer is no refusal')
})

t.test('without repositories the route itself is tried; a server has none', async t => {
  const forbidden = () => 'HTTP/1.1 403 Forbidden\r\n\r\n'
  t.match(await repositoryChecks(scene(forbidden, {}).scene), [{ verdict: 'held' }])
  t.match(await repositoryChecks(scene(() => 'HTTP/1.1 200 OK', {}).scene), [{ verdict: 'open' }])
  t.same(await repositoryChecks(scene(forbidden, { callers: [] }).scene), [])
})
