import { createServer } from 'node:http'
import { messagesApi } from './messages-api.ts'
import { rehearsalReply } from './script.ts'

/** Runs the rehearsal model as a service in place of the origin. Needs no credential and no network. */
const port = Number(process.env.REHEARSAL_PORT ?? '8788')
const calledAs = process.env.CALLED_AS || undefined
const server = createServer(messagesApi({ reply: request => rehearsalReply(request, calledAs) }))

const stop = () => {
  server.close()
  server.closeAllConnections()
}
process.once('SIGTERM', stop)
process.once('SIGINT', stop)

server.listen(port, '0.0.0.0', () => {
  process.stdout.write(`${JSON.stringify({ level: 'info', kind: 'listening', port })}\n`)
})
