import { createServer as createHttpServer, type RequestListener } from 'node:http'
import { createServer as createHttpsServer } from 'node:https'
import { createServer } from 'node:net'
import type { TLSSocket } from 'node:tls'
import { answerGit } from './git-site.ts'

/** The word by which a test knows that it reached the stand-in internet. */
export const marker = 'reached-the-internet'

/** A white PNG. */
export const pixel = Buffer.from(
  'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==',
  'base64',
)

/**
 * TLS for all names on 443 and 9443, where a hello of `src/audit/client-hello.ts` gets the word without a look at its
 * names, clear-text HTTP on 8081, and a banner on ports that speak other
 * protocols. A request for `/bytes/N` is answered with N bytes, `/pixel.png` with an image, git with
 * a repository of one commit.
 */
export function startSites(options: { cert: Buffer; key: Buffer; saw: (event: object) => void }) {
  const { cert, key, saw } = options
  const answer: RequestListener = (request, response) => {
    let received = 0
    request.on('data', chunk => {
      received += chunk.length
    })
    request.on('end', () => {
      const { servername = '' } = request.socket as Partial<TLSSocket>
      saw({ kind: 'http', host: request.headers.host, sni: servername, url: request.url, received })
      if (answerGit(request.url ?? '', response)) return
      if (request.url === '/pixel.png') return response.end(pixel)
      const bytes = Number(/^\/bytes\/(\d+)$/.exec(request.url ?? '')?.[1] ?? 0)
      if (bytes === 0) return response.end(`${marker} ${request.headers.host}\n`)
      response.setHeader('content-length', bytes)
      const block = Buffer.alloc(64 * 1024, 'x')
      let left = bytes
      const more = () => {
        while (left > 0) {
          const piece = block.subarray(0, Math.min(left, block.length))
          left -= piece.length
          if (!response.write(piece)) return response.once('drain', more)
        }
        return response.end()
      }
      more()
    })
  }
  for (const port of [443, 9443]) {
    const https = createHttpsServer({ cert, key }, answer)
    https.on('tlsClientError', () => {})
    const front = createServer(socket => {
      saw({ kind: 'tcp', port })
      socket.on('error', () => {})
      socket.once('data', first => {
        if (first.includes('rrrrr')) return socket.end(`${marker}, whatever the hello says\n`)
        socket.pause()
        socket.unshift(first)
        https.emit('connection', socket)
      })
    })
    front.listen(port, '0.0.0.0')
  }
  const http = createHttpServer(answer)
  http.on('connection', () => saw({ kind: 'tcp', port: 8081 }))
  http.listen(8081, '0.0.0.0')
  for (const port of [22, 25, 80, 8080, 8443]) {
    const server = createServer(socket => {
      saw({ kind: 'tcp', port })
      socket.on('error', () => {})
      socket.end(`${marker} on port ${port}\n`)
    })
    server.listen(port, '0.0.0.0')
  }
}
