import { randomBytes } from 'node:crypto'
import { createSocket } from 'node:dgram'
import { createServer } from 'node:net'
import { networkInterfaces } from 'node:os'
import { until } from '../base/async.ts'

/** A listener of this host for UDP and TCP on one port, at every address and over both protocols. */
export type DatagramCanary = {
  port: number
  /** Each datagram that an attack sends begins with it. */
  word: string
  /** Addresses of this host, and those that mean every host of a link. */
  addresses: string[]
  /** Returns what arrived: the text of each datagram with the word, and the origin of each connection. */
  arrivals: () => string[]
  close: () => Promise<void>
}

const everyHost = ['224.0.0.1', '255.255.255.255', 'ff02::1']
/** Maximum number of arrivals that are kept. */
const most = 500

export async function openDatagramCanary(): Promise<DatagramCanary> {
  const word = `datagram-${randomBytes(12).toString('hex')}`
  const arrivals: string[] = []
  let heardItself = false
  const take = (bytes: Buffer) => {
    const text = bytes.toString('latin1')
    if (text === word) heardItself = true
    else if (text.includes(word) && arrivals.length < most) arrivals.push(text.slice(0, 200))
  }
  const v4 = createSocket('udp4')
  const v6 = createSocket({ type: 'udp6', ipv6Only: true })
  const tcp = createServer(socket => {
    if (arrivals.length < most) arrivals.push(`TCP from ${socket.remoteAddress}`)
    socket.on('error', () => {})
    socket.destroy()
  })
  const bound = await bind(v4, '0.0.0.0', 0)
  if (bound === null) throw new Error('cannot listen for datagrams on this host')
  v4.on('message', take)
  // A host without IPv6 has nothing to listen on there.
  const six = (await bind(v6, '::', bound)) !== null
  if (six) v6.on('message', take)
  // Another program may have the port for TCP: then only datagrams are seen.
  await new Promise<void>(resolve => {
    tcp.once('error', () => resolve())
    tcp.listen(bound, '0.0.0.0', resolve)
  })
  const close = async () => {
    v4.close()
    v6.close()
    await new Promise(resolve => tcp.close(resolve))
  }
  // A listener that does not hear this process would hear nothing of an attack either.
  v4.send(word, bound, '127.0.0.1')
  if (!(await until(async () => heardItself, { every: 20, timeout: 30_000 }))) {
    await close()
    throw new Error('the listener on this host does not receive datagrams')
  }
  return {
    port: bound,
    word,
    addresses: [...hostAddresses(), ...everyHost],
    arrivals: () => [...arrivals],
    close,
  }
}

function bind(socket: ReturnType<typeof createSocket>, address: string, port: number) {
  return new Promise<number | null>(resolve => {
    socket.once('error', () => resolve(null))
    socket.bind(port, address, () => resolve(socket.address().port))
  })
}

function hostAddresses(): string[] {
  return (
    Object.entries(networkInterfaces())
      // The pairs that lead into containers have no address of their own, but one for each link.
      .flatMap(([name, addresses]) => (name.startsWith('veth') ? [] : (addresses ?? [])))
      .filter(({ internal }) => !internal)
      .map(({ address }) => address)
  )
}
