import { createServer } from 'node:http'

/** Answers the health check of a server that has no API, and nothing else. */
export async function serveHealth(port: number) {
  const server = createServer({ requestTimeout: 10_000, keepAlive: false }, (request, response) => {
    const isHealth = request.method === 'GET' && request.url === '/health'
    response.writeHead(isHealth ? 200 : 404, { 'content-type': 'application/json' })
    response.end(isHealth ? '{"status":"ok"}' : '{"detail":"Not Found"}')
  })
  server.maxConnections = 64
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    server.listen(port, '0.0.0.0', resolve)
  })
  return { close: () => void server.close() }
}
