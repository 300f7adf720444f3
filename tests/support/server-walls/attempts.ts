import { networkInterfaces } from 'node:os'
import { marker } from '../internet/sites.ts'
import { must } from '../stack/process.ts'
import type { TestServer } from '../stack/test-server.ts'

export type Address = { address: string; network: string }

/** Returns the addresses of a container, and the stack's name of each network. */
export async function addressesOf(server: TestServer, service: string): Promise<Address[]> {
  const format = '{{json .NetworkSettings.Networks}}'
  const text = await must('docker', ['inspect', '--format', format, server.container(service)])
  const networks: Record<string, { IPAddress: string }> = JSON.parse(text)
  return Object.entries(networks).map(([name, { IPAddress }]) => ({
    address: IPAddress,
    network: name.replace(`${server.stack}_`, ''),
  }))
}

/** Returns every IPv4 address of this host, also those on the bridges of engines. */
export function hostAddresses(): string[] {
  return Object.values(networkInterfaces()).flatMap(list =>
    (list ?? []).flatMap(({ family, address }) =>
      family === 'IPv4' && !address.startsWith('127.') ? [address] : [],
    ),
  )
}

/**
 * Returns which of the targets a container has a packet path to, all tried at once: they accept a TCP connection or
 * refuse it themselves.
 */
export async function reached(
  server: TestServer,
  from: string,
  targets: readonly string[],
  timeout = 2500,
): Promise<string[]> {
  const script = `const { connect } = require('node:net')
    const open = []
    const tries = JSON.parse(process.argv[1]).map(target => new Promise(resolve => {
      const [host, port] = target.split(':')
      const socket = connect({ host, port: Number(port), timeout: Number(process.argv[2]) })
      const end = isOpen => { if (isOpen) open.push(target); socket.destroy(); resolve() }
      socket.once('connect', () => end(true)).once('error', ({ code }) => end(code === 'ECONNREFUSED')).once('timeout', () => setImmediate(end, false))
    }))
    Promise.all(tries).then(() => { console.log(JSON.stringify(open)); process.exit(0) })`
  const call = ['node', '-e', script, JSON.stringify(targets), `${timeout}`]
  const { stdout, stderr } = await server.inside(from, call)
  if (stdout === '') throw new Error(`${from} could not try: ${stderr}`)
  return JSON.parse(stdout)
}

/** Returns what a container gets of a site through the proxy: the stand-in's marker, or the proxy's refusal. */
export async function throughProxy(
  server: TestServer,
  from: string,
  proxy: string,
  name: string,
): Promise<'reached' | 'refused' | string> {
  const script = `const { request } = require('node:http')
    const { connect } = require('node:tls')
    const [proxy, name] = process.argv.slice(1)
    const fail = error => { console.log('failed ' + error.message); process.exit(0) }
    setTimeout(() => fail(new Error('timeout')), 60000)
    request({ host: proxy, port: 3128, method: 'CONNECT', path: name + ':443' })
      .on('error', fail)
      .on('response', ({ statusCode }) => fail(new Error(statusCode)))
      .on('connect', ({ statusCode }, socket) => {
        if (statusCode !== 200) fail(new Error(statusCode))
        const tls = connect({ socket, servername: name, rejectUnauthorized: false }, () =>
          tls.write('GET / HTTP/1.0\\r\\nHost: ' + name + '\\r\\n\\r\\n'))
        let text = ''
        tls.on('data', data => { text += data }).on('error', fail)
          .on('end', () => { console.log(text); process.exit(0) })
      }).end()`
  const { stdout } = await server.inside(from, ['node', '-e', script, proxy, name])
  if (stdout.includes(marker)) return 'reached'
  return /failed (407|403)/.test(stdout) ? 'refused' : stdout.trim()
}
