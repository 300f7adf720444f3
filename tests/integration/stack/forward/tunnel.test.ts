import { createHash, randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { type AddressInfo, createServer, type Socket } from 'node:net'
import { buffer } from 'node:stream/consumers'
import t, { type Test } from 'tap'
import { createTunnel, PortClosed } from '../../../../src/stack/forward/tunnel.ts'
import { helperProgram, startHelper } from '../../../support/forward/helper-process.ts'

async function listen(t: Test, onConnection: (socket: Socket) => void) {
  const server = createServer({ allowHalfOpen: true }, socket => {
    socket.on('error', () => {})
    onConnection(socket)
  })
  await once(server.listen(0, '127.0.0.1'), 'listening')
  t.teardown(() => server.close())
  return (server.address() as AddressInfo).port
}

/** Unlike the consumers of node:stream, leaves the writable half open. */
function readToEnd(socket: Socket): Promise<Buffer> {
  const chunks: Buffer[] = []
  socket.on('data', chunk => chunks.push(chunk))
  return new Promise(resolve => socket.once('end', () => resolve(Buffer.concat(chunks))))
}

const program = await helperProgram(t)
const sha256 = (bytes: Buffer) => createHash('sha256').update(bytes).digest('hex')

t.test('a tunnel carries connections', async t => {
  const summing = await listen(t, socket => {
    void readToEnd(socket).then(bytes => socket.end(sha256(bytes)))
  })
  const sent = randomBytes(3_000_000)
  const large = await listen(t, socket => socket.end(sent))
  const first = await listen(t, socket => socket.write('welcome'))
  const endless = await listen(t, socket => {
    const block = Buffer.alloc(64 * 1024)
    const write = () => {
      while (!socket.destroyed && socket.write(block)) written += block.length
    }
    socket.on('drain', write)
    write()
  })
  let written = 0
  const closed = await listen(t, () => {})
  const gone = createServer()
  await once(gone.listen(0, '127.0.0.1'), 'listening')
  const unused = (gone.address() as AddressInfo).port
  gone.close()

  const lost: true[] = []
  let helper = startHelper(t, program, [summing, large, first, endless, unused])
  const tunnel = createTunnel(
    async () => {
      helper = startHelper(t, program, [summing, large, first, endless, unused])
      return helper
    },
    () => lost.push(true),
  )
  t.teardown(tunnel.close)

  t.test('every byte arrives, and a half-closed connection still answers', async t => {
    const stream = await tunnel.connect(summing)
    stream.end(sent)
    t.equal((await buffer(stream)).toString(), sha256(sent))
  })

  t.test('many connections at once do not mix', async t => {
    const bodies = await Promise.all(
      Array.from({ length: 60 }, async (_, index) => {
        const stream = await tunnel.connect(summing)
        const body = Buffer.alloc(index * 1_000, index)
        stream.end(body)
        return (await buffer(stream)).toString() === sha256(body)
      }),
    )
    t.ok(bodies.every(same => same))
    const stream = await tunnel.connect(large)
    stream.end()
    t.equal(sha256(await buffer(stream)), sha256(sent))
  })

  t.test('a server may speak first', async t => {
    const stream = await tunnel.connect(first)
    const [chunk] = await once(stream, 'data')
    t.equal(`${chunk}`, 'welcome')
    stream.close()
  })

  t.test('a slow reader slows the server down, and no other connection', async t => {
    const slow = await tunnel.connect(endless)
    const stream = await tunnel.connect(summing)
    stream.end('beside')
    t.equal((await buffer(stream)).toString(), sha256(Buffer.from('beside')))
    t.ok(written < 40_000_000, `${written} bytes were taken from the server`)
    slow.close()
  })

  t.test('a port without a server is reported as such', async t => {
    await t.rejects(tunnel.connect(unused), new PortClosed(`nothing listens on port ${unused}`))
  })

  t.test('a port that was not named is refused', async t => {
    await t.rejects(tunnel.connect(closed), /answered 403/)
  })

  t.test('the end of the program is reported, and the next connection starts another', async t => {
    const stream = await tunnel.connect(first)
    helper.kill()
    await once(stream, 'close')
    t.strictSame(lost, [true])
    const again = await tunnel.connect(summing)
    again.end('x')
    t.equal((await buffer(again)).toString(), sha256(Buffer.from('x')))
  })
})

t.test('a program that ends at once is an error with its last words', async t => {
  const helper = startHelper(t, program, [1])
  const tunnel = createTunnel(
    async () => {
      helper.kill()
      return { ...helper, stderr: () => 'OCI runtime exec failed\n' }
    },
    () => t.fail('it never began'),
  )
  await t.rejects(tunnel.warm(), { message: /OCI runtime exec failed/, hint: /docker stats/ })
})
