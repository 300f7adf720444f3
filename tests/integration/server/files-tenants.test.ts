import { mkdirSync, readdirSync, readFileSync, realpathSync } from 'node:fs'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { startServer, storedToken } from './fixture.ts'

const tenants = [{ name: 'a' }, { name: 'a-b' }]

async function start(t: Test) {
  const folder = realpathSync(t.testdir())
  for (const { name } of tenants) mkdirSync(join(folder, name))
  const server = await startServer(t, {
    tenants,
    tokens: [
      storedToken('one', 'secret-one', { tenant: 'a' }),
      storedToken('two', 'secret-two', { tenant: 'a-b' }),
      storedToken('narrow', 'secret-narrow', { tenant: 'a', workspaces: ['p'] }),
      storedToken('no-files', 'secret-no-files', { tenant: 'a', modes: ['api'] }),
    ],
    workspacesFolder: folder,
    fileBytes: 100,
  })
  const as = (name: string) => (line: string, body?: string) => {
    const [method, path = ''] = line.split(' ')
    return server.ask(path, { method, bearer: name && `secret-${name}`, ...(body && { body }) })
  }
  return { ...server, folder, as }
}

t.test('a tenant has its own files, and no path leads to those of another', async t => {
  const { as, folder, raw } = await start(t)
  const one = as('one')
  const two = as('two')
  t.match(await one('PUT /files/p/f', 'of a'), { status: 200, body: { path: '/workspaces/p/f' } })
  t.match(await two('GET /files'), { status: 200, body: { entries: [] } })
  t.match(await two('GET /files/p/f'), { status: 404 })
  t.equal(readFileSync(join(folder, 'a/p/f'), 'utf8'), 'of a')
  for (const path of ['../a-b/x', '../a/p/f', '..%2fa-b/x', '%2e%2e/a-b', '..']) {
    const answer = await raw(
      `PUT /files/${path} HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer secret-one\r\n` +
        'Connection: close\r\nContent-Length: 1\r\n\r\nx',
    )
    t.match(answer, /^HTTP\/1\.1 400 [\s\S]*\{"detail":"path outside root workspace"\}$/, path)
  }
  t.same(readdirSync(join(folder, 'a-b')), [])
})

t.test('a token with workspaces sees those alone', async t => {
  const { as } = await start(t)
  await as('one')('PUT /files/p/f', 'p')
  await as('one')('PUT /files/q/f', 'q')
  const narrow = as('narrow')
  t.match(await narrow('GET /files'), { body: { entries: [{ name: 'p', type: 'dir' }] } })
  t.match(await narrow('GET /files/p/f'), { status: 200, text: 'p' })
  for (const line of ['GET /files/q/f', 'GET /files/none/f', 'DELETE /files/q/f', 'PUT /files/x']) {
    const answer = await narrow(line, line.startsWith('PUT') ? 'x' : undefined)
    t.match(answer, { status: 400, body: { detail: 'path outside root workspace' } }, line)
  }
})

t.test('the token comes first, and needs the mode for files', async t => {
  const { as, raw, events } = await start(t)
  for (const method of ['GET', 'PUT', 'DELETE', 'HEAD', 'POST']) {
    t.match(await as('wrong')(`${method} /files/../x`), { status: 401 }, method)
  }
  const large = await raw(
    'PUT /files/x HTTP/1.1\r\nHost: localhost\r\nContent-Length: 99999999\r\nConnection: close\r\n\r\n',
  )
  t.match(large, /401 Unauthorized/)
  t.match(await as('no-files')('GET /files'), { status: 403 })
  t.match(await as('one')('PUT /files/x', 'x'.repeat(101)), { status: 413 })
  t.match(await as('one')('PATCH /files/x', 'x'), {
    status: 405,
    body: { detail: 'Method Not Allowed' },
  })
  t.match(await as('one')('GET /files-evil'), { status: 404, body: { detail: 'Not Found' } })
  const logged = events.filter(event => event.kind === 'request' && event.status === 413)
  t.match(logged, [{ route: '/files', token: 'one', tenant: 'a' }])
})
