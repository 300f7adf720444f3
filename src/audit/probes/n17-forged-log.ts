import { randomBytes } from 'node:crypto'
import { until } from '../../base/async.ts'
import { parseSquidConf } from '../../egress/squid-conf.ts'
import { type Attempt, attemptAll, connectTo, list } from '../attempts.ts'
import { type Check, check, type Probe } from '../probe.ts'
import type { Scene } from '../scene.ts'

/** A method that no attempt has: the gateway logs no address. */
const endMethod = 'UNSUBSCRIBE'

/** `logs` and `status` show the log: an attacker who can write a line controls their output. */
export const forgedLog: Probe = {
  id: 'N17',
  title: 'forged lines and terminal escapes in the log',
  attack: 'put quotes, line ends, escape sequences and JSON into names, methods and TLS hellos',
  standards: [],
  async run(scene) {
    const twin = await scene.twin()
    const { listed, unlisted } = twin.names
    const mark = `n17${randomBytes(6).toString('hex')}`
    const texts = [
      `${mark}".${unlisted}`,
      `${mark}","verdict":"allowed","forged":"yes.${unlisted}`,
      `${mark}"}\r\n{"forged":"${mark}"}`,
      `\x1b]0;${mark}\x07.${unlisted}`,
      `\x1b[2J${mark}\x9b31m.${unlisted}`,
      `${mark}\rb.${unlisted}`,
      `${mark}\\`,
      `%0a%22${mark}%{x}note.${unlisted}`,
      `\xff\xfe${mark}\u0085`,
    ]
    const attempts = texts.flatMap((text): Attempt[] => [
      { name: 'CONNECT', request: connectTo(text), follow: 'plain' },
      {
        name: 'URL',
        request: `GET http://${text}/ HTTP/1.1\r\nHost: ${unlisted}\r\n\r\n`,
        follow: 'plain',
      },
      {
        name: 'method',
        request: `${text} http://${unlisted}/ HTTP/1.1\r\nHost: ${unlisted}\r\n\r\n`,
        follow: 'plain',
      },
      {
        name: 'header',
        request: `CONNECT ${unlisted}:443 HTTP/1.1\r\nUser-Agent: ${text}\r\n\r\n`,
        follow: 'plain',
      },
      { name: 'hello', request: connectTo(listed), follow: { hello: text } },
    ])
    const gateway = scene.inspections.containers.has('gateway')
    await Promise.all([
      attemptAll(twin, attempts),
      ...texts.map(text =>
        gateway
          ? twin.attacker.tunnel(`${text} /${text} HTTP/1.1\r\nHost: x\r\n\r\n`, 'nothing', {
              host: 'gateway',
              port: 8787,
              wait: 5_000,
            })
          : undefined,
      ),
    ])
    const end = `end${randomBytes(6).toString('hex')}.${unlisted}`
    await Promise.all([
      attemptAll(twin, [{ name: 'end', request: connectTo(end), follow: 'plain' }]),
      gateway
        ? twin.attacker.tunnel(`${endMethod} / HTTP/1.1\r\nHost: x\r\n\r\n`, 'nothing', {
            host: 'gateway',
            port: 8787,
            wait: 5_000,
          })
        : undefined,
    ])
    const withMark = (lines: readonly string[]) => lines.filter(line => line.includes(mark))
    const { lines, marked, missing } = await completeLogs(async () => {
      const [proxy, ofGateway] = await Promise.all([
        twin.log('proxy'),
        gateway ? twin.log('gateway') : null,
      ])
      const lines = [...proxy, ...(ofGateway ?? [])]
      const marked = withMark(lines)
      const missing = [
        ...(proxy.some(line => line.includes(end)) ? [] : ['proxy']),
        ...(ofGateway?.every(line => parse(line)?.method !== endMethod) ? ['gateway'] : []),
        ...(marked.length < texts.length ? ['attempts'] : []),
      ]
      return { lines, marked, missing }
    })
    const objects = marked.map(line => ({ line, object: parse(line) }))
    const broken = objects.filter(({ object }) => object === null)
    const forged = objects.filter(
      ({ object }) => object !== null && ('forged' in object || object.verdict === 'allowed'),
    )
    // biome-ignore lint/suspicious/noControlCharactersInRegex: the check looks for control characters
    const escapes = lines.filter(line => /[\x00-\x08\x0b-\x1f\x7f-\x9f]/.test(line))
    return [
      check(
        'the attempts are on the log',
        missing.length === 0,
        missing.length === 0
          ? `${marked.length} lines for ${attempts.length} requests, before a last one`
          : `${marked.length} lines for ${attempts.length} requests; not complete: ${list(missing)}`,
      ),
      check(
        'each line is one JSON object',
        broken.length === 0,
        broken.length > 0 ? `not JSON: ${broken[0]?.line}` : `${marked.length} lines parsed`,
      ),
      check(
        'no caller wrote a line or a field',
        forged.length === 0,
        forged.length > 0 ? `forged: ${forged[0]?.line}` : 'no forged line or field',
      ),
      check(
        'no line has a control character',
        escapes.length === 0,
        escapes.length > 0
          ? `${escapes.length} lines, such as ${JSON.stringify(escapes[0])}`
          : `${lines.length} lines`,
      ),
      await encoded(scene),
    ]
  },
}

/** `marked`: lines of the attempts; `missing`: what is not complete. Other probes write to the same logs. */
type Logs = { lines: string[]; marked: string[]; missing: string[] }

/**
 * Reads until the logs hold the last request and no more lines of the attempts appear: a line is written when its
 * connection ends, and the engine's log lags on a busy machine.
 */
export async function completeLogs(
  read: () => Promise<Logs>,
  { every = 250, timeout = 10_000 } = {},
): Promise<Logs> {
  let last: Logs | null = null
  const settled = async () => {
    const now = await read()
    const grew = now.marked.length !== last?.marked.length
    last = now
    return !grew && now.missing.length === 0
  }
  await until(settled, { every, timeout })
  return last ?? read()
}

function parse(line: string): Record<string, unknown> | null {
  try {
    const value: unknown = JSON.parse(line)
    return typeof value === 'object' ? (value as Record<string, unknown> | null) : null
  } catch {
    return null
  }
}

/** Checks that the log format uses `%#`, which percent-encodes the caller's input. */
async function encoded(scene: Scene): Promise<Check> {
  const formats = parseSquidConf(await scene.policy()).filter(
    ({ words }) => words[0] === 'logformat',
  )
  const raw = formats.filter(({ words }) =>
    /%(rm|>rd|>rP|ssl::>sni|ru|>h|ul|un)/.test(words.join(' ')),
  )
  return check(
    'the policy in force encodes the input of callers',
    formats.length > 0 && raw.length === 0,
    raw.length > 0
      ? `raw in: ${list(raw.map(({ words }) => words[1] ?? ''))}`
      : `${formats.length} formats`,
  )
}
