import { createSocket } from 'node:dgram'
import { decode, encode, type Packet } from 'dns-packet'

/**
 * Addresses by name. Several lists are given out in turn, one a query: a name that flips between
 * them. A name that is missing does not exist; a PTR record is a name like `9.113.0.203.in-addr.arpa`.
 */
export type Zone = Record<string, string[][]>

/** A DNS server that answers from `zone` with a lifetime of 0, and tells every name it was asked for. */
export function startDns({ zone, saw }: { zone: Zone; saw: (event: object) => void }) {
  const socket = createSocket('udp4')
  const asked = new Map<string, number>()
  socket.on('message', (message, from) => {
    const query = decode(message)
    const question = query.questions?.[0]
    if (!question) return
    const name = question.name.toLowerCase()
    saw({ kind: 'dns', name, type: question.type })
    const answers = answersFor(question.type, name)
    const reply: Packet = {
      type: 'response',
      id: query.id ?? 0,
      flags: zone[name] ? 0x8180 : 0x8183,
      questions: [question],
      answers,
    }
    socket.send(encode(reply), from.port, from.address)
  })
  socket.bind(53, '0.0.0.0')

  function answersFor(type: string, name: string): Packet['answers'] {
    const lists = zone[name]
    if (!lists || lists.length === 0) return []
    const turn = asked.get(`${type} ${name}`) ?? 0
    asked.set(`${type} ${name}`, turn + 1)
    const list = lists[turn % lists.length] ?? []
    if (type === 'PTR') return list.map(data => ({ type: 'PTR' as const, name, ttl: 0, data }))
    const wanted = list.filter(address => address.includes(':') === (type === 'AAAA'))
    if (type !== 'A' && type !== 'AAAA') return []
    return wanted.map(data => ({ type, name, ttl: 0, data }))
  }
}
