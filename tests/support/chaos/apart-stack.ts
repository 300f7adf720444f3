import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Test } from 'tap'
import { computeImageTags } from '../../../src/images/image-tags.ts'
import { readPins } from '../../../src/images/pins.ts'
import { temporaryFolder } from '../stack/checkout.ts'
import { must } from '../stack/process.ts'
import { createTestServer, startTestServer, type TestServer } from '../stack/test-server.ts'
import { type ChaosStack, createChaosStack } from './chaos-stack.ts'
import { createOwnEngine, loadImages, type OwnEngine, type OwnEngineOptions } from './own-engine.ts'

/**
 * A stack on an engine of the test's own. It gets its images from the machine's engine, where they are
 * built if need be: its own has no internet. The environment of the whole test file then names it.
 */
export async function createStackApart(
  t: Test,
  options: OwnEngineOptions = {},
): Promise<{ stack: ChaosStack; engine: OwnEngine }> {
  const engine = await createOwnEngine(t, options)
  const machine = { ...process.env }
  process.env.DOCKER_HOST = engine.host
  const stack = await createChaosStack(t, { apart: true, start: false })
  await giveImages(engine, stack, machine)
  return { stack, engine }
}

/** A server on an engine of the test's own, as `createStackApart`. Requests are sent on that engine's machine. */
export async function createServerApart(
  t: Test,
  options: OwnEngineOptions & { settings?: Record<string, string> } = {},
): Promise<{ server: TestServer; engine: OwnEngine }> {
  const { settings = {}, ...own } = options
  const engine = await createOwnEngine(t, own)
  const machine = { ...process.env }
  process.env.DOCKER_HOST = engine.host
  const server = await createTestServer(t, { apart: true, start: false, settings })
  await giveImages(engine, server, machine)
  await startTestServer(server)
  const bodies = await temporaryFolder(t, 'bodies')
  const request: TestServer['request'] = async (path, { method, body, token, timeout } = {}) => {
    const file = join(bodies, 'body.json')
    if (body !== undefined) await writeFile(file, JSON.stringify(body))
    const words = [
      ...['curl', '-sS', '--max-time', String((timeout ?? 60_000) / 1_000)],
      ...['--write-out', '\\n%{http_code}', '--request', method ?? (body ? 'POST' : 'GET')],
      ...['--header', `authorization: Bearer ${token ?? server.token}`],
      ...(body ? ['--header', 'content-type: application/json', '--data-binary', `@${file}`] : []),
      `${server.url}${path}`,
    ]
    const answer = await engine.inMachine(words.map(word => `'${word}'`).join(' '))
    const [, text = '', status = ''] = /^([\s\S]*)\n(\d{3})$/.exec(answer) ?? []
    return { status: Number(status), text, json: text === '' ? null : JSON.parse(text) }
  }
  return { server: { ...server, request }, engine }
}

async function giveImages(
  engine: OwnEngine,
  { checkout, env }: Pick<TestServer, 'checkout' | 'env'>,
  machine: NodeJS.ProcessEnv,
) {
  const { DOCKER_HOST, ...before } = env
  await must(join(checkout, 'claude.ts'), ['build'], {
    env: { ...before, ...machineHost(machine) },
  })
  const pins = await readPins(checkout)
  const tags = await computeImageTags({
    root: checkout,
    pins,
    baseImage: undefined,
    target: 'minimal',
  })
  await loadImages(engine, [...new Set(Object.values(tags))], machine)
}

function machineHost({ DOCKER_HOST }: NodeJS.ProcessEnv): Record<string, string> {
  return DOCKER_HOST ? { DOCKER_HOST } : {}
}
