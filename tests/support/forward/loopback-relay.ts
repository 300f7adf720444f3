/**
 * Runs a command in a network of its own, which has a loopback and nothing else: `loopback-relay.ts FOLDER PORTS
 * COMMAND...`. Its loopback ports lead to sockets of the same number in the folder. Chromium ends all requests and
 * websockets when a network of the host changes, as each start and stop of a container does. With `RELAY_PIPES` the
 * command also gets the descriptors 3 and 4, by which a test drives a browser.
 */
import { spawn, spawnSync } from 'node:child_process'
import { connect, createServer } from 'node:net'
import { join } from 'node:path'
import { relay } from './relay.ts'

const [folder = '', ports = '', file = '', ...args] = process.argv.slice(2)
const { status, stderr } = spawnSync('ip', ['link', 'set', 'lo', 'up'], { encoding: 'utf8' })
if (status !== 0) throw new Error(`cannot open the loopback: ${stderr}`)
for (const port of ports.split(',')) {
  const server = createServer({ allowHalfOpen: true, noDelay: true }, socket =>
    relay(socket, connect({ path: join(folder, port), allowHalfOpen: true })),
  )
  await new Promise<void>(resolve => server.listen(Number(port), '127.0.0.1', resolve))
}
const pipes = process.env.RELAY_PIPES ? [3, 4] : []
spawn(file, args, { stdio: ['ignore', 'ignore', 'inherit', ...pipes] }).once('exit', code =>
  process.exit(code ?? 1),
)
