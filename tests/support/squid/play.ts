import { marker } from '../internet/sites.ts'
import type { TestStack } from '../stack/test-stack.ts'
import type { ConnectCase } from './connect-cases.ts'

/** Runs in the agent's container, as the agent: cases on stdin, what each one reached on stdout. */
const player = `
const net = require('net'), tls = require('tls')
const { cases, marker } = JSON.parse(require('fs').readFileSync(0, 'utf8'))
const play = ({ request, follow, expect }) => new Promise(resolve => {
  let received = '', tunnel = false
  const end = () => { socket.destroy(); resolve(received.includes(marker) ? 'reached' : 'refused') }
  const socket = net.connect(3128, 'proxy')
  // What must arrive may be slow; of the rest, some never answers.
  const timer = setTimeout(end, expect === 'reached' ? 60000 : 6000)
  const done = () => { clearTimeout(timer); end() }
  socket.on('error', done)
  socket.on('close', done)
  socket.on('connect', () => socket.write(Buffer.from(request, 'latin1')))
  socket.on('data', function head(chunk) {
    received += chunk.toString('latin1')
    if (tunnel || !/^HTTP\\/1\\.[01] 2\\d\\d[^]*?\\r\\n\\r\\n/.test(received)) return
    tunnel = true
    if (follow === 'plain') return socket.write('GET / HTTP/1.1\\r\\nHost: x\\r\\nConnection: close\\r\\n\\r\\n')
    if (follow.raw) {
      socket.setNoDelay(true)
      follow.raw.forEach((piece, i) => setTimeout(() => socket.write(Buffer.from(piece, 'latin1')), i * 5))
      return
    }
    socket.removeListener('data', head)
    const secure = tls.connect({ socket, rejectUnauthorized: false, ...(follow.hello ? { servername: follow.hello } : {}) })
    secure.on('error', done)
    secure.on('data', chunk => { received += chunk.toString('latin1') })
    secure.on('end', done)
    secure.on('close', done)
    secure.write('GET / HTTP/1.1\\r\\nHost: x\\r\\nConnection: close\\r\\n\\r\\n')
  })
})
;(async () => {
  const results = new Array(cases.length)
  let next = 0
  const worker = async () => { while (next < cases.length) { const i = next++; results[i] = await play(cases[i]) } }
  await Promise.all(Array.from({ length: 8 }, worker))
  console.log(JSON.stringify(results))
})()
`

/** Plays every case, a few at a time, and tells which of them brought content of the internet back. */
export async function playConnectCases(stack: TestStack, cases: readonly ConnectCase[]) {
  const { code, stdout, stderr } = await stack.inside(['node', '-e', player], {
    input: JSON.stringify({ cases, marker }),
  })
  if (code !== 0) throw new Error(`the player failed: ${stderr}`)
  const results: ('reached' | 'refused')[] = JSON.parse(stdout)
  return cases.map((entry, i) => ({ ...entry, result: results[i] }))
}
