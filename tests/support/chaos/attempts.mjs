// Runs in the agent's container: everything an open window would let through, tried again and again.
// Prints `reached …` for what arrived, and `round N` after each pass, so that silence is no proof.
import { createSocket } from 'node:dgram'
import { lookup } from 'node:dns'
import { connect } from 'node:net'
import { connect as connectTls } from 'node:tls'

const [sites, model] = process.argv.slice(1)
const patience = 700

/** Resolves with what was received, or with '' when nothing came in time. */
function dial(make, send, name) {
  return new Promise(resolve => {
    const socket = make()
    const end = text => {
      clearTimeout(timer)
      socket.destroy()
      resolve(text)
    }
    const timer = setTimeout(() => end(''), patience)
    let received = ''
    socket.on('connect', () => name && console.log(`reached ${name}`))
    socket.on('error', () => end(received))
    socket.on('close', () => end(received))
    socket.on('data', data => {
      received += data
      if (received.includes('reached-the-internet')) console.log(received)
    })
    if (send) socket.write(send)
  })
}

/** CONNECT, and TLS inside whatever the answer is: on an intercepting port even a refusal says 200. */
async function tunnel(host, name) {
  await new Promise(resolve => {
    const raw = connect(3128, 'proxy')
    const end = () => {
      clearTimeout(timer)
      raw.destroy()
      resolve()
    }
    const timer = setTimeout(end, patience)
    raw.on('error', end)
    raw.on('close', end)
    raw.write(`CONNECT ${host}:443 HTTP/1.1\r\nHost: ${host}:443\r\n\r\n`)
    raw.once('data', () => {
      const tls = connectTls({ socket: raw, servername: name, rejectUnauthorized: false })
      tls.on('error', end)
      tls.on('data', data => console.log(`reached by tunnel: ${data}`))
      tls.write(`GET / HTTP/1.1\r\nHost: ${name}\r\n\r\n`)
    })
  })
}

function askDns(round) {
  const label = `canary-${round}`
  const name = Buffer.concat(
    [label, 'evil', 'test'].map(part => Buffer.from(`${String.fromCharCode(part.length)}${part}`)),
  )
  const query = Buffer.concat([
    Buffer.from('0001010000010000000000 00'.replace(' ', ''), 'hex'),
    name,
    Buffer.from('0000010001', 'hex'),
  ])
  const socket = createSocket('udp4')
  socket.on('error', () => {})
  socket.on('message', () => console.log('reached a DNS server'))
  socket.send(query, 53, sites, () => {})
  setTimeout(() => socket.close(), patience)
  lookup(`${label}.lookup.evil.test`, error => error || console.log('reached: a name resolved'))
}

for (let round = 1; ; round++) {
  askDns(round)
  await Promise.all([
    tunnel('evil.test', 'evil.test'),
    tunnel('evil.test', 'api.anthropic.com'),
    tunnel('api.anthropic.com', 'api.anthropic.com'),
    tunnel(`canary-${round}.evil.test`, 'evil.test'),
    tunnel(sites, 'evil.test'),
    ...[22, 80, 443].map(port => dial(() => connect(port, sites), '', `${sites}:${port}`)),
    ...[80, 443].map(port => dial(() => connect(port, model), '', `${model}:${port}`)),
    dial(() => connect(3128, 'proxy'), 'GET http://evil.test/ HTTP/1.1\r\nHost: evil.test\r\n\r\n'),
    dial(() => connect(8787, 'gateway'), 'GET /v1/files HTTP/1.1\r\nHost: gateway\r\n\r\n'),
  ])
  console.log(`round ${round}`)
  await new Promise(resolve => setTimeout(resolve, 50))
}
