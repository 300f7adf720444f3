import { type Attempt, attemptAll, connectTo, listedNameWorks, noneReached } from '../attempts.ts'
import { standards } from '../audit-report.ts'
import { check, type Probe } from '../probe.ts'

/** A `dst` rule before the name check resolves the name, and sends it out, even to refuse it (measured). */
export const dnsThroughProxy: Probe = {
  id: 'N3',
  title: 'data sent out in DNS queries of the proxy',
  attack: 'request unlisted names from the proxy, so that it looks them up',
  standards: [standards.networkAccess],
  async run(scene) {
    const twin = await scene.twin()
    const { names } = twin
    const to = (name: string, request: (host: string) => string): Attempt => {
      const host = names.secret(name)
      return { name, request: request(host), follow: { hello: host } }
    }
    const attempts = [
      to('connect', host => connectTo(host)),
      to('port', host => connectTo(host, 80)),
      to('dot', host => connectTo(`${host}.`)),
      to('capitals', host => connectTo(host.toUpperCase())),
      to('old', host => `CONNECT ${host}:443 HTTP/1.0\r\n\r\n`),
      to('get', host => `GET http://${host}/ HTTP/1.1\r\nHost: ${host}\r\n\r\n`),
      to('https', host => `GET https://${host}/ HTTP/1.1\r\nHost: ${host}\r\n\r\n`),
      to(
        'post',
        host => `POST http://${host}/ HTTP/1.1\r\nHost: ${host}\r\nContent-Length: 0\r\n\r\n`,
      ),
      to('ftp', host => `GET ftp://${host}/ HTTP/1.1\r\nHost: ${host}\r\n\r\n`),
      to('host', host => `CONNECT ${names.listed}:443 HTTP/1.1\r\nHost: ${host}\r\n\r\n`),
    ]
    const [works, attempted] = await Promise.all([
      listedNameWorks(twin),
      attemptAll(twin, attempts),
    ])
    const queries = (await twin.seen()).filter(event => event.kind === 'question')
    const secrets = queries.filter(({ name }) => name.includes('secret-'))
    return [
      works,
      check(
        "the proxy queries the canary's DNS",
        queries.some(({ name }) => name === names.listed),
        `query for ${names.listed}`,
      ),
      check(
        'the proxy looks up no unlisted name',
        secrets.length === 0,
        secrets.length > 0
          ? `looked up: ${secrets[0]?.name}`
          : `${attempts.length} forms of request, none of their names in ${queries.length} queries`,
      ),
      noneReached('the proxy connects to no unlisted name', attempted),
    ]
  },
}
