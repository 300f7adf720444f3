// exclusive: measures a proxy under load
import t from 'tap'
import { marker } from '../support/internet/sites.ts'
import { until } from '../support/stack/process.ts'
import { createTestStack } from '../support/stack/test-stack.ts'

const stack = await createTestStack(t, { allow: ['allowed.test'] })

/**
 * Opens connections to the proxy that never finish their request, and tells how many are still open. One that the
 * proxy cuts is opened again until it is told to stop.
 */
const halfOpen = `
const net = require('net'), fs = require('fs')
let open = 0, sent = 0
const beginnings = ['', 'CONN', 'CONNECT allowed.test:443 HTTP/1.1\\r\\n', 'CONNECT allowed.test:443 HTTP/1.1\\r\\nHost: a']
const begin = i => {
  let isOpen = false
  const socket = net.connect(3128, 'proxy', () => { isOpen = true; open++; sent++; socket.write(beginnings[i % 4]) })
  socket.on('error', () => {})
  socket.on('close', () => {
    if (isOpen) open--
    if (!fs.existsSync('/tmp/enough')) setTimeout(begin, 10, i)
  })
  socket.resume()
}
for (let i = 0; i < 1000; i++) begin(i)
setInterval(() => console.log(JSON.stringify({ sent, open })), 250)
setTimeout(() => process.exit(), 900000)
`

t.test('a thousand half-open connections leave good ones working, and are cut', async t => {
  const log = '/tmp/half-open.log'
  await stack.inside(['bash', '-c', `node -e "$1" > ${log} 2>&1 &`, 'bash', halfOpen])
  t.teardown(() => stack.inside(['pkill', '-f', 'half-open|beginnings']))
  const state = async (): Promise<{ sent: number; open: number }> => {
    const { stdout } = await stack.inside(['tail', '-n', '1', log])
    return stdout.startsWith('{') ? JSON.parse(stdout) : { sent: 0, open: 0 }
  }
  await until('the connections to be open', async () => (await state()).open > 900)
  const good = Array.from({ length: 5 }, () =>
    stack.inside([
      ...['curl', '-sS', '--max-time', '120', '--cacert', '/etc/claude-secure/extra-ca.pem'],
      'https://allowed.test/',
    ]),
  )
  for (const { stdout, stderr } of await Promise.all(good)) t.match(stdout, marker, stderr)
  t.ok((await state()).open > 500, 'they were open meanwhile')
  await stack.inside(['touch', '/tmp/enough'])
  await until('the proxy to cut them', async () => (await state()).open === 0)
  const status = JSON.parse((await stack.cli(['status', '--json'])).stdout)
  t.equal(status.running, true, 'every service is still healthy')
})
