import t from 'tap'
import { marker } from '../support/internet/sites.ts'
import { createTestStack } from '../support/stack/test-stack.ts'

/** EXTRA_CA_CERTS names the authority that signed every site of the stand-in internet. */
const stack = await createTestStack(t, { allow: ['allowed.test'], worker: true })
const page = 'https://allowed.test/'

/** How each program fetches a page, with no word about certificates. */
const programs: Readonly<Record<string, string>> = {
  curl: `curl -sS --max-time 120 ${page}`,
  node: `NODE_USE_ENV_PROXY=1 node -e "fetch('${page}').then(a => a.text()).then(console.log)"`,
  openssl: `printf 'GET / HTTP/1.0\\r\\nHost: allowed.test\\r\\n\\r\\n' | openssl s_client -quiet \
    -verify_return_error -verify_hostname allowed.test -proxy proxy:3128 -connect allowed.test:443`,
  apt: `cd /tmp && /usr/lib/apt/apt-helper -o Acquire::https::Proxy=http://proxy:3128 \
    download-file ${page}file apt-page > /dev/null && cat apt-page && rm apt-page`,
}

for (const service of ['claude', 'worker']) {
  for (const [name, script] of Object.entries(programs)) {
    t.test(`${name} trusts the authority of EXTRA_CA_CERTS in ${service}`, async t => {
      const { stdout, stderr } = await stack.inside(['bash', '-c', script], { service })
      t.match(stdout, `${marker} allowed.test`, stderr)
    })
  }

  t.test(`git trusts it in ${service}`, async t => {
    const repository = `${service}.git`
    const { stderr } = await stack.inside(['git', 'ls-remote', page + repository], { service })
    // What the stand-in saw came through TLS that git had verified.
    const seen = await stack.internet.events()
    t.ok(seen.some(event => event.kind === 'http' && event.url.startsWith(`/${repository}/`)))
    t.notMatch(stderr, /certificate/i)
  })

  t.test(`an authority that nobody named is refused in ${service}`, async t => {
    const script = `SSL_CERT_FILE=/dev/null curl -sS --max-time 20 --cacert /dev/null ${page}`
    const { code, stderr } = await stack.inside(['bash', '-c', script], { service })
    t.not(code, 0)
    t.match(stderr, /certificate|error setting|CAfile/i)
  })
}

t.test('the public authorities are still trusted, and the agent changes none', async t => {
  const bundle = '/etc/ssl/certs/ca-certificates.crt'
  const count = await stack.inside(['grep', '-c', 'BEGIN CERTIFICATE', bundle])
  t.ok(Number(count.stdout) > 100, `${count.stdout.trim()} authorities`)
  t.not((await stack.inside(['sh', '-c', `: > ${bundle}`])).code, 0)
  const java = ['openssl', 'pkcs12', '-in', '/etc/ssl/certs/java/cacerts', '-passin', 'pass:']
  // Java has no password for it, so nothing in it may be encrypted.
  const { stdout, stderr } = await stack.inside([...java, '-nokeys', '-info'])
  t.notMatch(stderr, /PBE|PBKDF|MAC: /)
  t.equal(stdout.match(/Trusted key usage/g)?.length, Number(count.stdout))
})
