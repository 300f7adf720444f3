import t from 'tap'
import { parsePorts } from '../../../../src/operations/forward/forward.ts'

t.test('a port, and a port with another one of this host', async t => {
  t.strictSame(parsePorts(['5173', '3000:8080']), [
    { port: 5173, local: 5173 },
    { port: 3000, local: 8080 },
  ])
})

t.test('anything else is a usage error that shows the form', async t => {
  const wrong = ['0', '65536', '5173:', ':5173', '5173:0', '1:2:3', '0.0.0.0:80', 'http', '-1', '']
  for (const word of wrong) {
    const message = `${word} is not a port or PORT:LOCAL`
    t.throws(() => parsePorts([word]), { message, exitCode: 2, hint: /5173:8080/ }, word)
  }
  t.throws(() => parsePorts([]), { message: 'forward needs a port' })
  t.throws(() => parsePorts(['80:1', '81:1']), { message: 'port 1 of this host is named twice' })
  t.throws(() => parsePorts(Array.from({ length: 17 }, (_, i) => `${i + 1}`)), {
    message: 'forward takes at most 16 ports',
  })
})
