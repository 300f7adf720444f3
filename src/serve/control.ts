import { connect } from 'node:net'

/** Sends its argument to the control socket of the server, and prints the answer: see control-socket.ts. */
const [, , request = '', path = '/run/server-control.sock'] = process.argv
const socket = connect(path)
socket.setTimeout(30_000, () => socket.destroy(new Error('no answer in time')))
socket.on('error', error => {
  process.stderr.write(`${error.message}\n`)
  process.exitCode = 1
})
socket.end(request)
socket.pipe(process.stdout)
