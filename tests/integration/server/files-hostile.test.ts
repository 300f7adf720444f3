import { execFileSync, fork, spawn } from 'node:child_process'
import { once } from 'node:events'
import {
  existsSync,
  linkSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { mkdtemp, rmdir } from 'node:fs/promises'
import { createServer } from 'node:net'
import { dirname, join } from 'node:path'
import t from 'tap'
import { exchange } from '../../support/http/exchange.ts'
import { repetitions } from '../../support/soak.ts'
import { startFiles } from './files-fixture.ts'

t.test('no spelling of a path leads out of the root', async t => {
  const { send, root } = await startFiles(t)
  writeFileSync(join(root, 'inside'), 'inside')
  const outside = [
    ...['/../workspaces-evil/secret.txt', '/..', '/../', '/p/../../workspaces-evil/secret.txt'],
    ...['/%2e%2e/workspaces-evil/secret.txt', '/%2E%2E%2Fworkspaces-evil%2Fsecret.txt'],
    ...['/..%2fworkspaces-evil/secret.txt', '/./.././workspaces-evil/secret.txt'],
    ...['//../workspaces-evil/secret.txt', '/inside/../../workspaces-evil/secret.txt'],
  ]
  for (const path of outside) {
    for (const method of ['GET', 'HEAD', 'PUT', 'DELETE']) {
      const answer = await send(`${method} /files${path}`, {}, 'planted')
      t.equal(answer.status, 400, `${method} ${path}`)
      if (method !== 'HEAD') t.same(answer.json, { detail: 'path outside root workspace' })
    }
  }
  // Names below the root, however they look.
  const absolute = join(dirname(root), 'workspaces-evil/secret.txt')
  for (const path of [
    `/${absolute}`,
    `/%2f${absolute}`,
    '/..\\workspaces-evil\\secret.txt',
    '/%252e%252e/workspaces-evil/secret.txt',
    '/%c0%ae%c0%ae/workspaces-evil/secret.txt',
    '/...',
    '/etc/passwd',
  ]) {
    t.match(await send(`GET /files${path}`), { status: 404 }, path)
  }
  t.match(await send('PUT /files/..\\x', {}, 'x'), {
    json: { path: '/workspaces/..\\x' },
  })
  t.same(readdirSync(root).sort(), ['..\\x', 'inside'])
  for (const path of ['/inside%00', '/%00', '/a%00/../inside']) {
    for (const method of ['GET', 'PUT', 'DELETE']) {
      const answer = await send(`${method} /files${path}`, {}, 'x')
      t.match(answer, { status: 400, json: { detail: 'path with a NUL byte' } }, path)
    }
  }
  t.same(readdirSync(join(root, '../workspaces-evil')), ['secret.txt'])
  t.equal(readFileSync(join(root, '../workspaces-evil/secret.txt'), 'utf8'), 'outside')
})

t.test('other routes stay what they are', async t => {
  const { send, url } = await startFiles(t)
  t.match(await send('GET /filesystem'), { status: 404, json: { statusCode: 404 } })
  t.match(await send('POST /files/x'), { status: 404 })
  const { host } = new URL(url)
  t.match(await exchange(url, `GET /files?x=/../y HTTP/1.1\r\nhost: ${host}\r\n\r\n`), {
    status: 200,
  })
})

t.test('a symlink is never followed', async t => {
  const { send, root } = await startFiles(t)
  const evil = join(root, '../workspaces-evil')
  mkdirSync(join(root, 'p'))
  symlinkSync(evil, join(root, 'out'))
  symlinkSync('../workspaces-evil/secret.txt', join(root, 'out.txt'))
  symlinkSync('p', join(root, 'in'))
  symlinkSync('loop', join(root, 'loop'))
  for (const path of ['out', 'out.txt', 'out/secret.txt', 'in', 'in/new', 'loop', 'loop/x']) {
    for (const method of ['GET', 'PUT']) {
      t.match(
        await send(`${method} /files/${path}`, {}, 'planted'),
        { status: 400, json: { detail: /^symlinks are not followed: / } },
        `${method} ${path}`,
      )
    }
  }
  t.match(await send('DELETE /files/out/secret.txt'), { status: 400 })
  t.equal(readFileSync(join(evil, 'secret.txt'), 'utf8'), 'outside')
  t.same(readdirSync(evil), ['secret.txt'])
  t.match((await send('GET /files')).json, {
    entries: [
      { name: 'in', type: 'file', size: 1 },
      { name: 'loop', type: 'file' },
      { name: 'out', type: 'file' },
      { name: 'out.txt', type: 'file', size: 29 },
      { name: 'p', type: 'dir' },
    ],
  })
  t.match(await send('DELETE /files/out.txt'), { status: 200 }, 'the link itself can be deleted')
  t.notOk(existsSync(join(root, 'out.txt')))
  t.ok(existsSync(join(evil, 'secret.txt')))
})

t.test('a FIFO, a socket and a device are not opened', async t => {
  const { send, root } = await startFiles(t)
  execFileSync('mkfifo', [join(root, 'fifo')])
  // A writer that waits for a reader goes on as soon as somebody opens the other side.
  const writer = fork('-e', ['require("fs").openSync(process.argv[1], "w")', join(root, 'fifo')], {
    execArgv: [],
    execPath: process.execPath,
  })
  t.teardown(() => writer.kill('SIGKILL'))
  // The path of a socket has at most 107 bytes when it is made.
  const short = await mkdtemp('/tmp/s-')
  const server = createServer().listen(join(short, 'socket'))
  await new Promise(resolve => server.once('listening', resolve))
  t.teardown(() => server.close())
  execFileSync('mv', [join(short, 'socket'), root])
  await rmdir(short)
  const names = ['fifo', 'socket']
  if (process.getuid?.() === 0) {
    execFileSync('mknod', [join(root, 'device'), 'c', '1', '5'])
    names.push('device')
  }
  for (const name of names) {
    for (const method of ['GET', 'PUT']) {
      t.match(
        await send(`${method} /files/${name}`, {}, 'x'),
        { status: 400, json: { detail: `not a regular file: ${name}` } },
        `${method} ${name}`,
      )
    }
    t.match(await send(`HEAD /files/${name}`), { status: 400 })
  }
  t.equal(writer.exitCode, null, 'the writer still waits')
  t.ok(lstatSync(join(root, 'fifo')).isFIFO())
  t.same(
    (await send('GET /files')).json,
    { path: '/', entries: [...names].sort().map(name => ({ name, type: 'file', size: 0 })) },
    'they are listed',
  )
  t.match(await send('DELETE /files/fifo'), { status: 200 })
})

t.test('a name is bytes', async t => {
  const { send, root } = await startFiles(t)
  for (const [path, bytes] of [
    ['%ff%fe', 'fffe'],
    ['caf%C3%A9', Buffer.from('café').toString('hex')],
    ['%zz', Buffer.from('%zz').toString('hex')],
    ['a%20b+c', Buffer.from('a b+c').toString('hex')],
    ['%F0%9F%98%80', Buffer.from('😀').toString('hex')],
  ] as const) {
    t.match(await send(`PUT /files/${path}`, {}, path), { status: 200 }, path)
    const names = readdirSync(root, { encoding: 'buffer' }).map(name => name.toString('hex'))
    t.ok(names.includes(bytes), path)
    t.match(await send(`GET /files/${path}`), { status: 200 }, path)
  }
  const listed = await send('GET /files')
  t.match(listed.text, '"name":"\\udcff\\udcfe"', 'as in surrogateescape of Python')
  t.match((await send('GET /files/%ff%fe')).headers, { 'content-disposition': /''%FF%FE$/ })
  t.match(await send('DELETE /files/%ff%fe'), { status: 200 })
  t.match(await send(`PUT /files/${'n'.repeat(256)}`, {}, 'x'), {
    status: 400,
    json: { detail: /^name too long/ },
  })
  t.match(await send(`GET /files/${'n/'.repeat(3_000)}`), { status: 400 })
})

t.test('a hard link is a file of the workspace, and a write ends the link', async t => {
  const { send, root } = await startFiles(t)
  const secret = join(root, '../workspaces-evil/secret.txt')
  // The agent cannot make this one: the kernel refuses a link from one mount to another.
  linkSync(secret, join(root, 'linked'))
  t.match(await send('PUT /files/linked', {}, 'new'), { status: 200 })
  t.equal(readFileSync(secret, 'utf8'), 'outside')
})

t.test('a swap of folders and symlinks gives no byte from outside', async t => {
  const { send, root } = await startFiles(t)
  const evil = join(root, '../workspaces-evil')
  mkdirSync(join(root, 'folder'))
  writeFileSync(join(root, 'folder/secret.txt'), 'inside')
  writeFileSync(join(root, 'file'), 'inside')
  const swapper = fork(join(import.meta.dirname, '../../support/http/swapper.mjs'), [root, evil], {
    execArgv: [],
  })
  let turns = 0
  swapper.on('message', (count: number) => {
    turns = count
  })
  const seen: Record<string, number> = {}
  const lines = [
    'GET /files/folder/secret.txt',
    'GET /files/file',
    'GET /files/folder',
    'PUT /files/folder/secret.txt',
    'PUT /files/folder/planted/deep',
    'PUT /files/file',
    'DELETE /files/folder/planted/deep',
    'DELETE /files/folder/secret.txt',
  ]
  const wanted = repetitions({ short: 200, full: 10_000 })
  const isSeen = (...keys: string[]) => keys.some(key => (seen[key] ?? 0) > 0)
  const allSeen = () => isSeen('GET 200') && isSeen('GET 400', 'GET 404') && isSeen('PUT 200')
  while ((turns < wanted || !allSeen()) && swapper.exitCode === null) {
    const answers = await Promise.all(lines.map(line => send(line, {}, 'inside')))
    for (const [index, { status, text }] of answers.entries()) {
      const key = `${lines[index]?.split(' ')[0]} ${status}`
      seen[key] = (seen[key] ?? 0) + 1
      if (text.includes('outside')) t.fail(`${lines[index]} gave ${text}`)
      if (status >= 500) t.fail(`${lines[index]} gave ${status} ${text}`)
    }
    if (readFileSync(join(evil, 'secret.txt'), 'utf8') !== 'outside') t.fail('changed outside')
    if (readdirSync(evil).length !== 1) t.fail('created outside')
  }
  t.ok(turns >= wanted, `${turns} turns`)
  const ended = new Promise(resolve => swapper.once('exit', resolve))
  swapper.kill('SIGKILL')
  await ended
  t.ok((seen['GET 200'] ?? 0) > 0, `files were served: ${JSON.stringify(seen)}`)
  t.ok((seen['GET 400'] ?? 0) + (seen['GET 404'] ?? 0) > 0, 'and others refused')
  t.ok((seen['PUT 200'] ?? 0) > 0, 'files were stored')
})

/** Takes a write lease on a file: the kernel keeps whoever opens it waiting until the holder lets it go. */
const lease = `
open(my $file, "+<", $ARGV[0]) or die; $SIG{IO} = "IGNORE"; $| = 1;
fcntl($file, 1024, 1) or die "no lease: $!";
print "held\\n"; sleep 300;
`

t.test('a file under a lease of the agent does not stop the server', async t => {
  const { send, root } = await startFiles(t)
  writeFileSync(join(root, 'leased'), 'x')
  writeFileSync(join(root, 'free'), 'y')
  const holder = spawn('perl', ['-e', lease, join(root, 'leased')])
  t.teardown(() => void holder.kill('SIGKILL'))
  await once(holder.stdout, 'data')
  t.match(await send('GET /files/leased'), {
    status: 503,
    json: { detail: 'another program holds leased, retry later' },
  })
  t.match(await send('GET /files/free'), { status: 200 })
  holder.kill('SIGKILL')
  await once(holder, 'close')
  t.match(await send('GET /files/leased'), { status: 200 })
})
