import t from 'tap'
import {
  addressWithLogin,
  isException,
  parseParentProxy,
  readParentProxy,
  withParentProxy,
} from '../../../src/config/parent-proxy.ts'

const parse = (
  settings: Record<string, string>,
  env: Record<string, string> = {},
  file: string | null = null,
) => parseParentProxy({ settings, env }, file)

t.test('HTTPS_PROXY and NO_PROXY of the environment name the parent', async t => {
  const env = { HTTPS_PROXY: 'http://proxy.example:3128/', NO_PROXY: '.corp.example,10.0.0.0/8' }
  t.match(parse({}, env), {
    host: 'proxy.example',
    port: 3128,
    tls: false,
    address: 'http://proxy.example:3128',
    login: null,
    except: ['corp.example'],
    from: 'HTTPS_PROXY',
  })
  t.match(parse({}, { ...env, https_proxy: 'proxy.example' }), { port: 80, from: 'https_proxy' })
  t.equal(parse({}, { HTTP_PROXY: 'http://proxy.example:3128' }), null)
  t.equal(parse({}, { ...env, NO_PROXY: '*' }), null)
  t.equal(parse({}, {}), null)
})

t.test('PARENT_PROXY goes before the environment, and none switches it off', async t => {
  const env = { HTTPS_PROXY: 'http://other.example:1', NO_PROXY: 'a.example' }
  t.match(parse({ PARENT_PROXY: 'https://proxy.example' }, env), {
    address: 'https://proxy.example:443',
    tls: true,
    except: ['a.example'],
    from: 'PARENT_PROXY',
  })
  t.match(parse({ PARENT_PROXY: 'http://p.example:1', PARENT_PROXY_EXCEPT: 'b.example' }, env), {
    except: ['b.example'],
  })
  t.equal(parse({ PARENT_PROXY: 'none' }, env), null)
})

t.test('names without the parent have one form, and addresses are not names', async t => {
  const value = '*.a.example, b.example:443,.B.example https://c.example 10.1.2.3 ::1 localhost [x]'
  const parent = parse({ PARENT_PROXY: 'http://p.example:1', PARENT_PROXY_EXCEPT: value })
  t.strictSame(parent?.except, ['a.example', 'b.example', 'c.example'])
  for (const name of ['a.example', 'x.y.A.example'])
    t.ok(isException(parent ?? { except: [] }, name))
  for (const name of ['xa.example', 'a.example.net']) {
    t.notOk(isException(parent ?? { except: [] }, name))
  }
})

t.test('user and password come from the address or from a file', async t => {
  const login = { user: 'me', password: 'p@ss:w rd' }
  const inUrl = parse({}, { HTTPS_PROXY: 'http://me:p%40ss%3Aw%20rd@proxy.example:3128' })
  t.strictSame(inUrl?.login, login)
  t.equal(inUrl?.address, 'http://proxy.example:3128')
  const proxy = { PARENT_PROXY: 'http://proxy.example:3128' }
  t.strictSame(parse(proxy, {}, 'me:p@ss:w rd\n')?.login, login)
  t.equal(inUrl && addressWithLogin(inUrl), 'http://me:p%40ss%3Aw%20rd@proxy.example:3128')
  t.throws(() => parse({ PARENT_PROXY: 'http://a:b@p.example' }, {}, 'me:x'), /both name a user/)
  const file = t.testdir({ login: 'me:secret\n', folder: {} })
  t.match(await readParentProxy({ ...proxy, PARENT_PROXY_LOGIN: `${file}/login` }, {}), {
    login: { user: 'me', password: 'secret' },
  })
  for (const name of ['missing', 'folder']) {
    const settings = { ...proxy, PARENT_PROXY_LOGIN: `${file}/${name}` }
    await t.rejects(readParentProxy(settings, {}), /cannot read PARENT_PROXY_LOGIN/)
  }
})

t.test('an address or login that cannot work is refused without showing it', async t => {
  const secret = 's3cr3t'
  const bad: [string, RegExp][] = [
    [`socks5://me:${secret}@proxy.example:1080`, /not the address of an HTTP proxy/],
    [`http://me:${secret}@[::1]:3128`, /not the address of an HTTP proxy/],
    [`http://me:${secret}@`, /not the address of an HTTP proxy/],
    [`http://me:${secret}@127.0.0.1:3128`, /loopback \(127\.0\.0\.1\)/],
    [`http://me:${secret}@localhost:3128`, /loopback \(localhost\)/],
    [`http://me:${secret}%0a@proxy.example`, /user and password of PARENT_PROXY/],
    [`http://me:${secret}%@proxy.example`, /user and password of PARENT_PROXY/],
    [`http://:${secret}@proxy.example`, /user and password of PARENT_PROXY/],
    [`http://*:${secret}@proxy.example`, /user and password of PARENT_PROXY/],
    [`http://NEGOTIATE:${secret}@proxy.example`, /user and password of PARENT_PROXY/],
  ]
  for (const [value, message] of bad) {
    const thrown = t.throws(() => parse({ PARENT_PROXY: value }), message, value)
    t.notMatch(String(thrown), secret)
  }
  t.throws(() => parse({ PARENT_PROXY: 'http://p.example' }, {}, 'no colon'), /PARENT_PROXY_LOGIN/)
})

t.test('builds get the parent that a setting names, and else the environment as it is', async t => {
  const env = {
    HTTPS_PROXY: 'http://old.example:1',
    HTTP_PROXY: 'http://old.example:1',
    PATH: '/bin',
  }
  t.equal(withParentProxy(env, parse({}, env), {}), env)
  const settings = {
    PARENT_PROXY: 'http://me:x@p.example:1',
    PARENT_PROXY_EXCEPT: 'a.example,b.example',
  }
  t.strictSame(withParentProxy(env, parse(settings), settings), {
    PATH: '/bin',
    http_proxy: 'http://me:x@p.example:1',
    https_proxy: 'http://me:x@p.example:1',
    no_proxy: 'a.example,b.example',
  })
  t.strictSame(withParentProxy(env, null, { PARENT_PROXY: 'none' }), { PATH: '/bin' })
})
