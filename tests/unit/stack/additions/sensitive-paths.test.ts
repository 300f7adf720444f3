// on disk: a path below /dev is refused for another reason
import { mkdir, mkdtemp, rm } from 'node:fs/promises'
import { createServer } from 'node:net'
import { homedir, tmpdir } from 'node:os'
import { join } from 'node:path'
import t from 'tap'
import {
  sensitivePathReason,
  unmountableReason,
} from '../../../../src/stack/additions/sensitive-paths.ts'

const own = [{ path: '/srv/claude-secure', what: 'claude-secure itself' }]
const why = (path: string, writable = true) => sensitivePathReason(path, writable, own)

t.test('a folder of data is given', async t => {
  t.equal(await why('/srv/data'), null)
  t.equal(await why(join(homedir(), 'data')), null)
  t.equal(await why('/srv/claude-secure-data'), null, 'a name is no prefix')
})

t.test('the home folder and what holds it', async t => {
  for (const path of ['/', homedir()]) t.match(await why(path), /your whole home/)
})

for (const path of [
  ...['/etc', '/etc/ssl', '/proc', '/sys/fs', '/dev', '/run', '/run/docker.sock', '/var'],
  ...['/var/run', '/var/lib/docker/volumes', '/var/lib', '/usr/local/bin', '/boot'],
]) {
  t.test(`${path} is a part of the operating system`, async t => {
    t.match(await why(path), /a part of the operating system/)
  })
}

t.test('programs may be read', async t => {
  t.equal(await why('/usr/share/dict', false), null)
  t.match(await why('/usr/share/dict'), /operating system/)
})

for (const name of [
  ...['.ssh', '.ssh/id_rsa', '.claude', '.aws', '.config/gcloud', '.config', '.kube', '.docker'],
  ...['.gnupg', '.netrc', '.git-credentials', '.local'],
]) {
  t.test(`~/${name} is or holds credentials`, async t => {
    t.match(await why(join(homedir(), name)), /credential store/)
    if (!['.config', '.local'].includes(name))
      t.match(await why(`/srv/else/${name}`), /credential store/)
  })
}

t.test('what runs by itself when the user logs in may be read', async t => {
  for (const name of ['.bashrc', '.vim/plugin', 'bin', '.local/bin', '.config/systemd/user']) {
    t.match(await why(join(homedir(), name)), /a file that your programs run automatically/, name)
    t.equal(await why(join(homedir(), name), false), null, name)
  }
})

t.test('a folder that holds credentials of somebody', async t => {
  const folder = t.testdir({ '.ssh': {}, project: { '.npmrc': '' } })
  t.match(await why(folder), /it holds \.ssh/)
  t.equal(await why(join(folder, 'project')), null)
})

t.test("what is claude-secure's own, in it and around it", async t => {
  for (const path of ['/srv/claude-secure', '/srv/claude-secure/proxy', '/srv']) {
    t.match(await why(path), /claude-secure itself/)
  }
})

t.test('sockets and devices are nothing to mount, nor a folder with a socket', async t => {
  const folder = await mkdtemp(join(tmpdir(), 'places-'))
  t.teardown(() => rm(folder, { recursive: true }))
  await mkdir(join(folder, 'data'))
  const server = createServer().listen(join(folder, 'x'))
  await new Promise(resolve => server.once('listening', resolve))
  t.teardown(() => server.close())
  t.match(await unmountableReason(join(folder, 'x')), /neither a folder nor/)
  t.match(await unmountableReason('/dev/null'), /neither a folder nor/)
  t.match(await unmountableReason(folder), /it holds the socket x/)
  t.equal(await unmountableReason(join(folder, 'data')), null)
})
