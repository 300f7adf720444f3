import { linkSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { chmod } from 'node:fs/promises'
import { join } from 'node:path'
import t from 'tap'
import { exchange } from '../../support/http/exchange.ts'
import { startFiles } from './files-fixture.ts'

t.test('a file is stored with its folders, read, listed and deleted', async t => {
  const { send, root } = await startFiles(t)
  const stored = await send('PUT /files/p/deep/a.txt', {}, 'hello')
  t.equal(stored.status, 200)
  t.same(stored.json, { status: 'ok', path: '/workspaces/p/deep/a.txt', size: 5 })
  t.equal(readFileSync(join(root, 'p/deep/a.txt'), 'utf8'), 'hello')
  t.equal(statSync(join(root, 'p/deep/a.txt')).mode & 0o7777, 0o644)

  const read = await send('GET /files/p/deep/a.txt')
  t.equal(read.status, 200)
  t.equal(read.text, 'hello')
  t.same((await send('GET /files/p/deep')).json, {
    path: 'p/deep',
    entries: [{ name: 'a.txt', type: 'file', size: 5 }],
  })
  const deleted = await send('DELETE /files/p/deep/a.txt')
  t.same(deleted.json, { status: 'ok', path: '/workspaces/p/deep/a.txt' })
  t.match(await send('GET /files/p/deep/a.txt'), {
    status: 404,
    json: { detail: 'not found: p/deep/a.txt' },
  })
  t.match(await send('DELETE /files/p/deep/a.txt'), { status: 404 })
})

t.test('a list is sorted, has hidden files, and gives no size to folders', async t => {
  const { send, root } = await startFiles(t)
  for (const name of ['b', '.hidden', 'a', 'Z']) writeFileSync(join(root, name), name)
  mkdirSync(join(root, 'folder'))
  const entries = [
    { name: '.hidden', type: 'file', size: 7 },
    { name: 'Z', type: 'file', size: 1 },
    { name: 'a', type: 'file', size: 1 },
    { name: 'b', type: 'file', size: 1 },
    { name: 'folder', type: 'dir' },
  ]
  for (const [path, asked] of [
    ['', '/'],
    ['/', '/'],
    ['/.', '.'],
    ['//', '/'],
    ['/folder/..', 'folder/..'],
  ] as const) {
    t.same((await send(`GET /files${path}`)).json, { path: asked, entries }, path)
  }
  const head = await send('HEAD /files')
  t.equal(head.status, 200)
  t.match(head.headers, { 'content-type': /json/ })
})

t.test('a long list comes in parts', async t => {
  const { send, root } = await startFiles(t, { limits: { listedEntries: 2 } })
  for (const name of ['e', 'b', 'a', 'd', 'c']) writeFileSync(join(root, name), '')
  const names = async (query: string) => {
    const { entries, truncated } = (await send(`GET /files${query}`)).json as {
      entries: { name: string }[]
      truncated?: boolean
    }
    return [entries.map(({ name }) => name).join(''), truncated]
  }
  t.same(await names(''), ['ab', true])
  t.same(await names('?after=b'), ['cd', true])
  t.same(await names('?after=d'), ['e', undefined])
})

t.test('large listings at once take a bounded memory, and are 503 above it', async t => {
  const { send, root } = await startFiles(t, { limits: { listingsBytes: 800_000 } })
  mkdirSync(join(root, 'large'))
  for (let at = 0; at < 1_000; at += 1) writeFileSync(join(root, 'large', `file-${at}`), '')
  const both = [...Array(8).fill('large'), ...Array(8).fill('')]
  const answers = await Promise.all(
    both.map(async folder => ({ folder, ...(await send(`GET /files/${folder}`)) })),
  )
  const refused = answers.filter(({ status }) => status === 503)
  t.ok(refused.length > 0 && refused.length < 8, `${refused.length} are refused`)
  for (const { folder, headers } of refused) {
    t.equal(folder, 'large', 'a small listing counts nothing')
    t.equal(headers['retry-after'], '5')
  }
  for (let turn = 0; turn < 3; turn += 1) {
    const { status, json } = await send('GET /files/large')
    t.equal(status, 200, 'each listing gives its memory back')
    t.equal((json as { entries: [] }).entries.length, 1_000)
  }
})

t.test('folders are not deleted or overwritten, and a file is not a folder', async t => {
  const { send } = await startFiles(t)
  await send('PUT /files/p/file', {}, 'x')
  for (const path of ['/p', '', '/', '/p/..']) {
    t.match(
      await send(`DELETE /files${path}`),
      { status: 400, json: { detail: 'cannot delete directories' } },
      path,
    )
    t.match(await send(`PUT /files${path}`, {}, 'x'), { status: 400 }, path)
  }
  t.match(await send('PUT /files/p/file/below', {}, 'x'), { status: 404 })
  t.match(await send('GET /files/p/file/below'), { status: 404 })
  t.match(await send('GET /files/p/file'), { status: 200, text: 'x' })
})

t.test('a body is stored as it is, whatever its type is called', async t => {
  const { send, url } = await startFiles(t)
  const types = ['application/json', 'text/plain', 'multipart/form-data; boundary=x', 'garbage', '']
  for (const type of types) {
    const answer = await send('PUT /files/bad.json', { 'content-type': type }, '{"not json')
    t.match(answer, { status: 200, json: { size: 10 } }, type)
    t.equal((await send('GET /files/bad.json')).text, '{"not json')
  }
  t.match(await send('PUT /files/empty'), { status: 200, json: { size: 0 } })
  t.match(await send('GET /files/empty'), { status: 200, headers: { 'content-length': '0' } })
  const chunks = ['5\r\nhello\r\n', '6\r\n world\r\n', '0\r\n\r\n']
  const head = 'PUT /files/chunked HTTP/1.1\r\nhost: s\r\ntransfer-encoding: chunked\r\n\r\n'
  t.match(await exchange(url, [head, ...chunks]), { status: 200, json: { size: 11 } })
  t.equal((await send('GET /files/chunked')).text, 'hello world')
})

t.test('nothing is served as a page', async t => {
  const { send } = await startFiles(t)
  await send('PUT /files/page.html', { 'content-type': 'text/html' }, '<script>alert(1)</script>')
  const { headers } = await send('GET /files/page.html')
  t.match(headers, {
    'content-type': 'application/octet-stream',
    'x-content-type-options': 'nosniff',
    'content-security-policy': /default-src 'none'/,
  })
  t.match(headers['content-disposition'], /^attachment; filename\*=UTF-8''page\.html$/)
  await send('PUT /files/a%22%0D%0Ax:%20y.html', {}, 'x')
  const named = await send('GET /files/a%22%0D%0Ax:%20y.html')
  t.match(named.headers['content-disposition'], /''a%22%0D%0Ax%3A%20y\.html$/)
  t.notOk(named.headers.x, 'a name cannot add a header')
  for (const path of ['/missing', '/..', '']) {
    t.match((await send(`GET /files${path}`)).headers, { 'x-content-type-options': 'nosniff' })
  }
})

t.test(
  'the mode stays without its special bits, and a hard link is not written through',
  async t => {
    const { send, root } = await startFiles(t)
    writeFileSync(join(root, 'tool'), 'old')
    await chmod(join(root, 'tool'), 0o6755)
    linkSync(join(root, 'tool'), join(root, 'other-name'))
    t.match(await send('PUT /files/tool', {}, 'new'), { status: 200 })
    t.equal(statSync(join(root, 'tool')).mode & 0o7777, 0o755)
    t.equal(readFileSync(join(root, 'other-name'), 'utf8'), 'old')
    t.same(readdirSync(root).sort(), ['other-name', 'tool'], 'no unfinished file is left')
  },
)

t.test('a token sees and names only what it may use', async t => {
  const mayUse = (_: unknown, path: string) => path === 'mine' || path.startsWith('mine/')
  const { send, root } = await startFiles(t, { mayUse })
  for (const name of ['mine', 'mine-too', 'other']) {
    mkdirSync(join(root, name))
    writeFileSync(join(root, name, 'f'), name)
  }
  t.match((await send('GET /files')).json, { entries: [{ name: 'mine', type: 'dir' }] })
  t.match(await send('GET /files/mine/f'), { status: 200, text: 'mine' })
  for (const path of ['other/f', 'mine-too/f', 'mine/../other/f', 'other', 'absent/f']) {
    for (const method of ['GET', 'PUT', 'DELETE']) {
      t.match(
        await send(`${method} /files/${path}`),
        { status: 400, json: { detail: 'path outside root workspace' } },
        `${method} ${path}`,
      )
    }
  }
  t.equal(readFileSync(join(root, 'other/f'), 'utf8'), 'other')
})
