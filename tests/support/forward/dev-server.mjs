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
const note = body => reports.push({ kind: 'server', body, cookie: '' })
sockets.on('connection', (socket, { url }) => {
  note(`a websocket of ${url}`)
  socket.on('message', (data, binary) => socket.send(data, { binary }))
  socket.on('close', code => note(`a websocket closed with ${code}`))
  // A page that was loaded before a change and connects after it would never hear of it.
  const shown = new URL(url, 'http://x').searchParams.get('shows')
  if (shown && !readFileSync(page, 'utf8').includes(`<h1>${shown}</h1>`)) socket.send('changed')
})
let quiet
watch(page, () => {
  // An editor truncates the file first.
  clearTimeout(quiet)
  quiet = setTimeout(() => {
    note(`a change for ${sockets.clients.size} pages`)
    for (const socket of sockets.clients) socket.send('changed')
  }, 200)
})
// A server that closes an idle connection can meet the next request on it, on a busy machine.
server.keepAliveTimeout = 300_000
server.listen(5173, '127.0.0.1')
