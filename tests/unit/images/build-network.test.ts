import t from 'tap'
import {
  caBundleCandidates,
  caSecretPath,
  transferConfiguration,
} from '../../../src/images/build-network.ts'

const dump = `APT::Architecture "amd64";
Acquire::http::Proxy "http://proxy.test:3142";
Acquire::https::mirror.test::Proxy "DIRECT";
Acquire::https::CAInfo "/home/me/ca.pem";
Acquire::Check-Valid-Until "false";
Acquire::http::Proxy-Auto-Detect "/usr/bin/run-me";
DPkg::Post-Invoke:: "rm -rf /";
Acquire::Retries "";
`

t.test("takes over apt's network configuration, and no commands", async t => {
  t.same(transferConfiguration(dump, {}, caSecretPath).trim().split('\n'), [
    'Acquire::http::Proxy "http://proxy.test:3142";',
    'Acquire::https::mirror.test::Proxy "DIRECT";',
    'Acquire::Check-Valid-Until "false";',
    `Acquire::https::CAInfo "${caSecretPath}";`,
  ])
})

t.test("uses the environment's proxies where apt has none", async t => {
  const env = { http_proxy: 'http://env.test:1', https_proxy: 'http://env.test:2' }
  const text = transferConfiguration(dump, env, caSecretPath)
  t.notMatch(text, 'env.test:1')
  t.match(text, 'Acquire::https::Proxy "http://env.test:2";')
})

t.test('names of NO_PROXY are reached directly, and nothing else of it is taken over', async t => {
  const env = { https_proxy: 'http://env.test:2', no_proxy: '.a.test, b.test,*,"; x "' }
  const lines = transferConfiguration('', env, caSecretPath).trim().split('\n')
  t.same(lines, [
    'Acquire::https::Proxy "http://env.test:2";',
    'Acquire::https::Proxy::a.test "DIRECT";',
    'Acquire::https::Proxy::b.test "DIRECT";',
    `Acquire::https::CAInfo "${caSecretPath}";`,
  ])
})

t.test('a value that would end its string is dropped', async t => {
  const env = { http_proxy: 'http://x"; DPkg::Post-Invoke:: "id' }
  t.notMatch(transferConfiguration('', env, caSecretPath), 'Post-Invoke')
})

t.test('certificate authorities come from the system and the variables in use', async t => {
  t.same(caBundleCandidates({ NODE_EXTRA_CA_CERTS: '/x.pem', SSL_CERT_FILE: '' }), [
    '/etc/ssl/certs/ca-certificates.crt',
    '/etc/pki/tls/certs/ca-bundle.crt',
    '/x.pem',
  ])
})
