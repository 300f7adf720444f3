import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import t from 'tap'
import { marker } from '../support/internet/sites.ts'
import { temporaryFolder } from '../support/stack/checkout.ts'
import { sitesAddress } from '../support/stack/internet.ts'
import { until } from '../support/stack/process.ts'
import { createTestStack } from '../support/stack/test-stack.ts'

// exclusive: builds for minutes, while another file of the suite could prune an image that it will start
// Toolchains and a browser in a stack: the full image, and packages that a user adds. Minutes to build, so it
// has a file of its own.
const clients = ['java', 'maven', 'cargo', 'go', 'pip', 'chromium', 'playwright']
const hosts = clients.map(client => `${client}.allowed.test`)
const custom = await temporaryFolder(t, 'custom')
await mkdir(join(custom, 'init.d'))
await writeFile(
  join(custom, 'init.d/10-playwright.sh'),
  'set -e\nnpm install --global --ignore-scripts --no-audit --no-fund playwright-core\n',
)
const stack = await createTestStack(t, {
  settings: {
    IMAGE_TARGET: 'full',
    PACKAGES: 'cargo chromium default-jdk-headless maven',
    CUSTOM_DIR: custom,
    // The JVM and the browser have many threads.
    AGENT_PIDS: '1024',
  },
  allow: hosts,
  zone: Object.fromEntries(hosts.map(host => [host, [[sitesAddress(0)]]])),
})
const shell = (script: string) => stack.inside(['bash', '-c', script], { timeout: 900_000 })

/** Whether the proxy let a client of the agent through to its own host. */
async function reachedProxy(client: string) {
  const { stdout } = await stack.cli(['log', '--json'])
  return stdout
    .split('\n')
    .filter(line => line.includes(`"${client}.allowed.test"`))
    .some(line => JSON.parse(line).verdict === 'allowed')
}

t.test('what is built in the temporary folder runs', async t => {
  const files = [
    'set -e; mkdir -p ~/go/src/m ~/crate/src; cd ~/go/src/m',
    'printf "module example.test/m\\ngo 1.22\\n" > go.mod',
    'printf "package m\\nfunc Add(a, b int) int { return a + b }\\n" > m.go',
    'printf "package m\\nimport \\"testing\\"\\nfunc TestAdd(t *testing.T) { if Add(1, 2) != 3 { t.Fatal() } }\\n" > m_test.go',
    'cd ~/crate; printf "[package]\\nname = \\"own\\"\\nversion = \\"0.1.0\\"\\nedition = \\"2021\\"\\n" > Cargo.toml',
    'printf "/// \\`\\`\\`\\n/// assert_eq!(own::add(1, 2), 3);\\n/// \\`\\`\\`\\npub fn add(a: u32, b: u32) -> u32 { a + b }\\n" > src/lib.rs',
  ]
  t.equal((await shell(files.join('\n'))).code, 0)
  const go = await shell('cd ~/go/src/m && go test ./...')
  t.match(go.stdout, /^ok\s+example\.test\/m/m, go.stderr)
  const cargo = await shell('cd ~/crate && cargo test --offline 2>&1')
  t.match(cargo.stdout, /Doc-tests own[\s\S]*test result: ok\. 1 passed/)
  const tmp = await shell('cd ~/go/src/m && TMPDIR=/tmp go test -count=1 ./... 2>&1')
  t.match(tmp.stdout, /permission denied/, 'the counterpart: /tmp stays without execution')
})

t.test('a library that the JVM unpacks is loaded', async t => {
  const program = `import java.nio.file.*;
public class Own {
  public static void main(String[] a) throws Exception {
    Path to = Files.createTempFile("own", ".so");
    Files.copy(Path.of(a[0]), to, StandardCopyOption.REPLACE_EXISTING);
    System.load(to.toString());
    System.out.println("loaded " + to.getParent());
  }
}`
  const { stdout, stderr } = await stack.inside(
    ['bash', '-c', 'cat > ~/Own.java && java ~/Own.java /usr/lib/*/libz.so.1'],
    { input: program, timeout: 600_000 },
  )
  t.equal(stdout, 'loaded /home/claude/.tmp\n', stderr)
})

t.test('native npm packages are built without a download', async t => {
  const files = {
    'package.json': '{"name":"own","version":"1.0.0","gypfile":true}',
    'binding.gyp': '{"targets":[{"target_name":"own","sources":["own.c"]}]}',
    'own.c': [
      '#include <node_api.h>',
      'static napi_value Init(napi_env env, napi_value exports) {',
      '  napi_value v; napi_create_int32(env, 42, &v);',
      '  napi_set_named_property(env, exports, "answer", v); return exports; }',
      'NAPI_MODULE(NODE_GYP_MODULE_NAME, Init)\n',
    ].join('\n'),
  }
  await shell('mkdir -p ~/native')
  for (const [name, input] of Object.entries(files)) {
    await stack.inside(['bash', '-c', `cat > ~/native/${name}`], { input })
  }
  const { stdout, stderr } = await shell(
    'cd ~/native && npm install --offline >&2 && node -p "require(\'./build/Release/own.node\').answer"',
  )
  t.equal(stdout, '42\n', stderr)
})

t.test('each client uses the proxy without being configured', async t => {
  const java = `public class Get {
  public static void main(String[] a) throws Exception {
    new java.net.URL(a[0]).openConnection().getInputStream();
  }
}`
  await stack.inside(['bash', '-c', 'cat > ~/Get.java'], { input: java })
  const files = [
    'set -e; mkdir -p ~/maven ~/fetching/src ~/fetching/.cargo ~/go/src/m; cd ~/fetching; touch src/lib.rs',
    'printf "[package]\\nname = \\"own\\"\\nversion = \\"0.1.0\\"\\n[dependencies]\\nserde = \\"1\\"\\n" > Cargo.toml',
    'printf "[source.crates-io]\\nreplace-with = \\"own\\"\\n[source.own]\\nregistry = \\"sparse+https://cargo.allowed.test/index/\\"\\n" > .cargo/config.toml',
    'printf "<project><modelVersion>4.0.0</modelVersion><groupId>a</groupId><artifactId>b</artifactId><version>1</version><parent><groupId>x</groupId><artifactId>y</artifactId><version>1</version></parent><repositories><repository><id>own</id><url>https://maven.allowed.test/m</url></repository></repositories></project>" > ~/maven/pom.xml',
  ]
  t.equal((await shell(files.join('\n'))).code, 0)
  for (const [client, script] of [
    ['java', 'java ~/Get.java https://java.allowed.test/'],
    ['maven', 'cd ~/maven && mvn -B validate'],
    ['cargo', 'cd ~/fetching && cargo fetch'],
    ['go', 'cd ~/go/src/m && GOPROXY=https://go.allowed.test go get example.test/x'],
    ['pip', 'pip download --no-deps --index-url https://pip.allowed.test/simple -d ~/p own'],
  ] as const) {
    const { stdout, stderr } = await shell(`${script}; true`)
    // The proxy writes a line some time after its answer.
    await until('the line', () => reachedProxy(client)).catch(error =>
      t.fail(`${client}: ${error.message} ${stdout}${stderr}`),
    )
  }
})

t.test('Java and cargo trust an authority of EXTRA_CA_CERTS', async t => {
  const java = `import java.net.URI;
import java.net.http.*;
public class Trust {
  public static void main(String[] a) throws Exception {
    var request = HttpRequest.newBuilder(URI.create(a[0])).build();
    var proxy = java.net.ProxySelector.getDefault();
    var client = HttpClient.newBuilder().proxy(proxy).build();
    System.out.println(client.send(request, HttpResponse.BodyHandlers.ofString()).body());
  }
}`
  const { stdout, stderr } = await stack.inside(
    ['bash', '-c', 'cat > ~/Trust.java && java ~/Trust.java https://java.allowed.test/trusted'],
    { input: java, timeout: 600_000 },
  )
  t.match(stdout, `${marker} java.allowed.test`, stderr)
  await stack.inside(['bash', '-c', 'cd ~/fetching && cargo fetch'], { timeout: 600_000 })
  // What the stand-in saw came through TLS that cargo had verified.
  const seen = (await stack.internet.events()).flatMap(event =>
    event.kind === 'http' ? [event.url] : [],
  )
  t.ok(seen.includes('/index/config.json'), seen.join(' '))

  const untrusting = [
    'keytool -importcert -noprompt -alias other -file /etc/ssl/certs/ISRG_Root_X1.pem -keystore ~/other.p12 -storepass changeit 2> /dev/null; java -Djavax.net.ssl.trustStore=$HOME/other.p12 -Djavax.net.ssl.trustStorePassword=changeit ~/Trust.java https://java.allowed.test/untrusted',
    'cd ~/fetching && CARGO_HTTP_CAINFO=/etc/ssl/certs/ISRG_Root_X1.pem SSL_CERT_FILE=/etc/ssl/certs/ISRG_Root_X1.pem cargo fetch',
  ]
  for (const script of untrusting) {
    const refused = await shell(script)
    t.not(refused.code, 0)
    t.match(refused.stderr, /certificat|trustAnchors/i, 'the counterpart: it verifies')
  }
})

t.test(
  'Chromium shows a page of the container, and one of the internet through the proxy',
  async t => {
    const chromium = 'timeout 600 chromium --headless --no-sandbox --disable-gpu --dump-dom'
    const serve =
      "node -e \"require('http').createServer((q, s) => s.end('<p>own page</p>')).listen(8098, '127.0.0.1')\" & until (exec 3<>/dev/tcp/127.0.0.1/8098) 2> /dev/null; do sleep 0.1; done"
    const own = await shell(`${serve}; ${chromium} http://127.0.0.1:8098/; kill %1`)
    t.match(own.stdout, 'own page', own.stderr)
    const outside = await shell(
      `${chromium} --ignore-certificate-errors https://chromium.allowed.test/`,
    )
    t.match(outside.stdout, marker, outside.stderr)
  },
)

t.test('Playwright drives it', async t => {
  const script = `
const { chromium } = require('/usr/local/lib/node_modules/playwright-core');
(async () => {
  const browser = await chromium.launch({
    executablePath: '/usr/bin/chromium',
    args: ['--no-sandbox'],
  });
  const page = await browser.newPage({ ignoreHTTPSErrors: true });
  await page.goto('https://playwright.allowed.test/');
  console.log(await page.textContent('body'));
  await browser.close();
})();`
  const { stdout, stderr } = await stack.inside(['node', '-'], { input: script, timeout: 600_000 })
  t.match(stdout, marker, stderr)
})
