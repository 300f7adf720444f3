import t from 'tap'
import { isShared, parseSiteName, refuseDangerous } from '../../../src/egress/site-name.ts'

const names: [string, string][] = [
  ['api.github.com', 'api.github.com'],
  [' API.GitHub.com. ', 'api.github.com'],
  ['https://api.github.com/repos?x#y', 'api.github.com'],
  ['https://api.github.com:443', 'api.github.com'],
  ['api.github.com:443', 'api.github.com'],
  ['api.github.com/repos', 'api.github.com'],
  ['bücher.example', 'xn--bcher-kva.example'],
  ['*.example.com', '.example.com'],
  ['.example.com', '.example.com'],
  ['_dmarc.example.com', '_dmarc.example.com'],
]
for (const [typed, name] of names) {
  t.test(`${typed} is ${name}`, async t => {
    t.equal(parseSiteName(typed).name, name)
  })
}

t.test('returns the typed text when the name is only a part of it', async t => {
  t.equal(parseSiteName('https://a.test/x').from, 'https://a.test/x')
  t.notOk(parseSiteName('a.test').from)
})

const refused: [string, RegExp][] = [
  ['203.0.113.7', /is an address/],
  ['2130706433', /is an address/],
  ['0x7f.1', /is an address/],
  ['127.0.0.1.', /is an address/],
  ['[::1]', /is an address/],
  ['::1', /is an address/],
  ['https://127.0.0.1/', /is an address/],
  ['https://%31%32%37.1/', /is an address/],
  ['com', /has no dot/],
  ['.com', /has no dot/],
  ['localhost', /has no dot/],
  ['a.*.test', /is not a wildcard/],
  ['http://a.test', /not HTTPS on port 443/],
  ['ftp://a.test', /not HTTPS on port 443/],
  ['a.test:8443', /not HTTPS on port 443/],
  ['https://me:secret@a.test', /contains a user name/],
  ['a.test@evil.test', /^…@evil\.test contains a user name/],
  ['https://me:sec@ret-secret@a.test', /^https:\/\/…@a\.test contains a user name/],
  ['a b.test', /not a host name/],
  ['a..test', /not a host name/],
  [`${'a'.repeat(64)}.test`, /not a host name/],
  [`${'a.'.repeat(130)}test`, /not a host name/],
  ['a.1test', /not a host name/],
  ['', /not a host name/],
  ['a.test\nacl allowed_sites dstdomain -n b.test', /./],
  ['a.test#', /./],
]
for (const [typed, message] of refused) {
  t.test(`refused: ${JSON.stringify(typed)}`, async t => {
    let result = ''
    try {
      result = parseSiteName(typed).name
    } catch (error) {
      t.match(error, { name: 'UserError', message })
      t.notMatch(error, { message: /[\x00-\x1f]/ })
      t.notMatch(error, { message: /secret/ }, 'a password in a URL is not repeated')
      return
    }
    // The URL parser made it harmless: it is one name.
    t.match(result, /^[a-z0-9._-]+$/)
    t.match(['a.test#'], [typed])
  })
}

const dangerous: [string, RegExp][] = [
  ['.example.com', /admits every subdomain/],
  ['s3.amazonaws.com', /is shared/],
  ['s3.eu-central-1.amazonaws.com', /is shared/],
  ['github.io', /is shared/],
  ['storage.googleapis.com', /is shared/],
  ['api.anthropic.com', /another API key/],
]
for (const [name, message] of dangerous) {
  t.test(`${name} needs --force or --subdomains`, async t => {
    t.throws(() => refuseDangerous({ name }, {}), { name: 'UserError', message })
    refuseDangerous({ name }, { force: true, subdomains: true })
  })
}

t.test(
  '--subdomains does not imply --force: shared suffixes and countries stay refused',
  async t => {
    for (const name of ['.github.io', '.workers.dev', '.co.uk', '.amazonaws.com']) {
      t.throws(
        () => refuseDangerous({ name }, { subdomains: true }),
        /is shared|whole country's names/,
        name,
      )
    }
    refuseDangerous({ name: '.example.com' }, { subdomains: true })
  },
)

t.test('a single name below a shared suffix is a name like any other', async t => {
  t.doesNotThrow(() => refuseDangerous({ name: 'me.github.io' }, {}))
  t.doesNotThrow(() => refuseDangerous({ name: 'raw.githubusercontent.com' }, {}))
  t.doesNotThrow(() => refuseDangerous({ name: 'api.anthropic.com' }, { server: true }))
})

t.test('a suffix under which anybody registers, and what stands above it, is shared', async t => {
  for (const name of ['pages.dev', 'azure.com', 'googleapis.com', 'amazonaws.com']) {
    t.ok(isShared(name), name)
  }
})

t.test('a name below a shared suffix has an owner', async t => {
  t.notOk(isShared('project.pages.dev'))
  t.notOk(isShared('someone.github.io'))
})

t.test('regions and products of a cloud are shared like their suffix', async t => {
  t.ok(isShared('s3.eu-west-1.amazonaws.com'))
  t.ok(isShared('blob.core.windows.net'))
})

t.test('a name that only ends alike is not shared', async t => {
  t.notOk(isShared('mypages.dev'))
  t.notOk(isShared('notamazonaws.com'))
})
