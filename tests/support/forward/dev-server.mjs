/**
 * A dev server as a project has one, run by the agent: a page, its assets, a websocket that echoes and that tells
 * the page to load again when its file changed. The page reports what it saw.
 */
import { readFileSync, watch } from 'node:fs'
import { createServer } from 'node:http'
import { join } from 'node:path'
import { WebSocketServer } from 'ws'

const page = join(import.meta.dirname, 'page.html')
const reports = []

const server = createServer((request, response) => {
  const { pathname } = new URL(request.url, 'http://x')
  if (request.method === 'POST') {
    let body = ''
    request.on('data', chunk => {
      body += chunk
    })
    request.on('end', () => {
      reports.push({ kind: pathname.slice(1), body, cookie: request.headers.cookie ?? '' })
      response.end()
    })
    return
  }
  if (pathname === '/reports') return response.end(JSON.stringify(reports))
  if (pathname.startsWith('/asset/'))
    return response.end(`asset ${pathname.slice(7)}`.padEnd(20_000))
  response.setHeader('content-type', 'text/html')
  response.end(readFileSync(page))
})
const sockets = new WebSocketServer({ server })
sockets.on('connection', socket => {
  socket.on('message', (data, binary) => socket.send(data, { binary }))
})
let quiet
watch(page, () => {
  // An editor truncates the file first.
  clearTimeout(quiet)
  quiet = setTimeout(() => {
    for (const socket of sockets.clients) socket.send('changed')
  }, 200)
})
// A server that closes an idle connection can meet the next request on it, on a busy machine.
server.keepAliveTimeout = 300_000
server.listen(5173, '127.0.0.1')
