import t from 'tap'
import { describeRemote, parseRemoteUrl, siblingUrl } from '../../../src/git/remote-url.ts'

const parsed = (url: string) => {
  const { transport, host, port, user, path } = parseRemoteUrl(url)
  return [transport, user, host, port, path]
}

t.test('every form that git pushes to is parsed', async t => {
  const forms: [url: string, ...parts: unknown[]][] = [
    ['https://github.com/ada/tools.git', 'https', null, 'github.com', null, 'ada/tools'],
    ['https://Ada@GitHub.com:8443/ada/tools/', 'https', 'Ada', 'github.com', 8443, 'ada/tools'],
    ['http://127.0.0.1:3000/ada/tools', 'http', null, '127.0.0.1', 3000, 'ada/tools'],
    ['git@github.com:ada/tools.git', 'ssh', 'git', 'github.com', null, 'ada/tools'],
    ['work:a/b/c.git', 'ssh', null, 'work', null, 'a/b/c'],
    ['git@[::1]:ada/tools', 'ssh', 'git', '::1', null, 'ada/tools'],
    ['ssh://git@git.example:2222/~ada/tools.git', 'ssh', 'git', 'git.example', 2222, '~ada/tools'],
    ['git+ssh://git.example/a/b', 'ssh', null, 'git.example', null, 'a/b'],
    ['ssh://git@[2001:db8::1]:22/a/b', 'ssh', 'git', '2001:db8::1', 22, 'a/b'],
    [
      'https://dev.azure.com/o/My%20Project/_git/r',
      'https',
      null,
      'dev.azure.com',
      null,
      'o/My%20Project/_git/r',
    ],
    ['/srv/git/tools.git', 'file', null, '', null, '/srv/git/tools.git'],
    ['../a:b', 'file', null, '', null, '../a:b'],
    ['file:///srv/with space/ä', 'file', null, '', null, '/srv/with space/ä'],
  ]
  for (const [url, ...parts] of forms) t.same(parsed(url), parts, url)
  t.equal(describeRemote(parseRemoteUrl('git@github.com:ada/tools.git')), 'github.com/ada/tools')
})

t.test('another repository of a host has a URL of the same form', async t => {
  const forms = [
    ['https://github.com/ada/tools.git', 'https://github.com/eve/tools.git'],
    ['http://127.0.0.1:3000/ada/tools', 'http://127.0.0.1:3000/eve/tools'],
    ['git@github.com:ada/tools.git', 'git@github.com:eve/tools.git'],
    ['ssh://git@git.example:2222/ada/tools.git', 'ssh://git@git.example:2222/eve/tools.git'],
  ]
  for (const [url = '', expected] of forms) {
    t.equal(siblingUrl(parseRemoteUrl(url), 'eve/tools'), expected)
  }
  const remote = parseRemoteUrl('https://github.com/ada/tools.git')
  for (const path of ['../x/y', 'a/b?c=d', 'a//b', 'a/b\nc', '', 'a/b#c', 'a/ü']) {
    t.throws(() => siblingUrl(remote, path), { message: /remote URL/ }, path)
  }
})

t.test('forms that run a program, are an option or lead elsewhere are refused', async t => {
  for (const url of [
    '',
    'ext::sh -c touch% /tmp/x',
    'fd::17',
    '::x',
    'https://github.com@evil.test@x/a/b',
    'https://github.com:x/a/b',
    'transport::https://github.com/a/b',
    '--upload-pack=touch /tmp/x',
    '-oProxyCommand=touch:x',
    'ssh://-oProxyCommand=touch%20x/a/b',
    'git@-oProxyCommand=x:a/b',
    '-oX@host:a/b',
    'ssh://-l@host/a/b',
    'git://github.com/ada/tools',
    'ftp://github.com/ada/tools',
    'file://host/a',
    'https:///a/b',
    'https://github.com',
    'https://github.com/../b',
    'https://github.com/a/./b',
    'https://github.com/a//b',
    'https://github.com/a/b?x=1',
    'https://github.com/a/b#x',
    'https://github.com\\@evil.test/a/b',
    'https://github.com/a b/c',
    'https://gıthub.com/a/b',
    'https://github.com/a/b\n',
    'https://github.com/a/\x1b[2Jb',
    'git@github.com:a/\u202eb',
    'git@github.com:a/$(touch x)/b',
    'git@github.com:a/`touch x`',
    `https://github.com/${'a'.repeat(2_100)}/b`,
  ]) {
    t.throws(() => parseRemoteUrl(url), { message: /remote/, hint: /git remote set-url/ }, url)
  }
})

t.test('a password in a URL is refused, and never shown', async t => {
  for (const url of [
    'https://ada:s3cret@github.com/ada/tools',
    'https://x-access-token:s3cret@github.com/a/b',
    'ssh://git:s3cret@github.com/a/b',
    'https://ada:s3cret@github.com/a b',
    'ftp://ada:s3cret@github.com/a',
    'https://ada:s3/cret@github.com/a',
    'https://ada:a@s3cret@github.com/a',
  ]) {
    try {
      parseRemoteUrl(url)
      t.fail(url)
    } catch (error) {
      t.notMatch(JSON.stringify([String(error), error]), /s3cret/, url)
    }
  }
})
