/**
 * A stand-in for the internet during an audit. Every port sends the secret word to each client; the
 * DNS knows the names given on the command line. Reports every connection and query on stdout, one
 * JSON object per line. One file without imports of this project: it is passed to `node -e`.
 *
 * A name has a list of answers, given in turn, with a TTL of 0; an answer is a list of addresses.
 * `@alias` stands for the address that a network of the twin assigned under that alias.
 */
import { createSocket } from 'node:dgram'
import { lookup } from 'node:dns/promises'
import { createServer } from 'node:net'

const { word, ports, zone }: { word: string; ports: number[]; zone: Record<string, string[][]> } =
  JSON.parse(process.argv[1] ?? '{}')

const report = (event: object) => process.stdout.write(`${JSON.stringify(event)}\n`)

for (const port of ports) {
  const server = createServer(socket => {
    const timer = setTimeout(() => socket.destroy(), 10_000)
    socket.on('close', () => clearTimeout(timer))
    socket.on('error', () => {})
    report({ kind: 'connection', port, from: socket.remoteAddress })
    let size = 0
    socket.on('data', chunk => {
      size += chunk.length
      if (size > 64 * 1024) return socket.destroy()
      report({ kind: 'data', port, text: chunk.toString('latin1').slice(0, 4096) })
      socket.write(answer(socket.localAddress))
    })
    // Send at once, as SSH and mail servers do, and again after each message.
    socket.write(answer(socket.localAddress))
  })
  server.on('error', error => report({ kind: 'failed', port, text: error.message }))
  server.listen(port, '0.0.0.0', () => report({ kind: 'listening', port }))
}

/** Returns the word with the address that served it: a name can resolve to several. */
function answer(address: string | undefined) {
  return `HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nConnection: close\r\n\r\n{"canary":"${word}@${address}"}\r\n`
}

const aliases = new Map<string, string>()
for (const value of Object.values(zone).flat(2)) {
  if (value.startsWith('@')) aliases.set(value, (await lookup(value.slice(1), 4)).address)
}

const asked = new Map<string, number>()
const dns = createSocket('udp4')
dns.on('error', error => report({ kind: 'failed', port: 53, text: error.message }))
dns.on('message', (query, from) => {
  const question = readQuestion(query)
  if (!question) return
  report({ kind: 'question', name: question.name, type: question.type })
  dns.send(reply(query, question), from.port, from.address)
})
// Bind after the aliases are known and everything above is defined.
dns.bind(53, '0.0.0.0', () => report({ kind: 'listening', port: 53 }))

type Question = { name: string; type: number; end: number }

/** Reads the labels of the single question of a query (RFC 1035, 4.1.2). */
function readQuestion(query: Buffer): Question | undefined {
  const labels: string[] = []
  let at = 12
  for (;;) {
    const length = query[at]
    if (length === undefined || length > 63) return undefined
    if (length === 0) break
    labels.push(query.toString('latin1', at + 1, at + 1 + length))
    at += 1 + length
  }
  if (at + 5 > query.length) return undefined
  return { name: labels.join('.').toLowerCase(), type: query.readUInt16BE(at + 1), end: at + 5 }
}

function reply(query: Buffer, { name, type, end }: Question): Buffer {
  const lists = zone[name]
  const turn = asked.get(`${type} ${name}`) ?? 0
  asked.set(`${type} ${name}`, turn + 1)
  const records = (lists?.[turn % lists.length] ?? []).flatMap(value =>
    record(type, aliases.get(value) ?? value),
  )
  const head = Buffer.alloc(12)
  query.copy(head, 0, 0, 2)
  // A response with recursion available: no error, or NXDOMAIN.
  head.writeUInt16BE(lists ? 0x8180 : 0x8183, 2)
  head.writeUInt16BE(1, 4)
  head.writeUInt16BE(records.length, 6)
  return Buffer.concat([head, query.subarray(12, end), ...records])
}

const typeA = 1
const typePtr = 12

/** Builds a record that refers to the question's name (RFC 1035, 4.1.3). */
function record(type: number, value: string): Buffer[] {
  const isAddress = /^[\d.]+$/.test(value)
  if (type === typeA && isAddress)
    return [resource(type, Buffer.from(value.split('.').map(Number)))]
  if (type === typePtr && !isAddress) {
    const labels = value.split('.').map(label => Buffer.from([label.length, ...Buffer.from(label)]))
    return [resource(type, Buffer.concat([...labels, Buffer.from([0])]))]
  }
  return []
}

function resource(type: number, data: Buffer): Buffer {
  const head = Buffer.alloc(12)
  head.writeUInt16BE(0xc00c, 0)
  head.writeUInt16BE(type, 2)
  head.writeUInt16BE(1, 4)
  head.writeUInt32BE(0, 6)
  head.writeUInt16BE(data.length, 10)
  return Buffer.concat([head, data])
}
