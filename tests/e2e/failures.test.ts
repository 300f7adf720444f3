import { once } from 'node:events'
import { appendFile, mkdir, readdir, readFile, writeFile } from 'node:fs/promises'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import t from 'tap'
import { cacheRoot } from '../../src/config/paths.ts'
import { readHostNetwork } from '../../src/machine/host-network.ts'
import { fakeDocker } from '../support/docker/fake-docker.ts'
import { temporaryFolder } from '../support/stack/checkout.ts'
import { createControlScript, isTwoLines } from '../support/stack/control-script.ts'
import { must, run } from '../support/stack/process.ts'
import { createTestStack, sentinel, writeSettings } from '../support/stack/test-stack.ts'

// No port is published by this stack, so none can be taken. What does collide is a subnet.
t.test('a taken subnet is reported with its setting; a free one is enough', async t => {
  const stack = await createTestStack(t, { block: 2, start: false })
  const network = `${stack.stack}-rival`
  await must('docker', ['network', 'create', '--subnet', stack.internet.subnet, network])
  t.teardown(() => run('docker', ['network', 'rm', network]))
  isTwoLines(t, await stack.cli(['start', '--detach']), {
    error: /EXTERNAL_SUBNET=\S+ overlaps \S+ of the network claude-secure-\S+-rival$/m,
    hint: /set EXTERNAL_SUBNET in \.env to a subnet that nothing else uses/,
  })
  await must('docker', ['network', 'rm', network])
  const { code, stderr } = await stack.cli(['start', '--detach'])
  t.equal(code, 0, stderr)
})

t.test('a pool gives every network of a stack its subnet, and packets fit the way out', async t => {
  const stack = await createTestStack(t, {
    block: 2,
    start: false,
    settings: { EXTERNAL_SUBNET: '', PROXY_DNS: '', SUBNET_POOL: '10.213.0.0/24' },
  })
  const started = await stack.cli(['start', '--detach'])
  t.equal(started.code, 0, started.stderr)
  const names = ['claude-internal', 'services-internal', 'proxy-external']
  const networks = JSON.parse(
    await must(
      'docker',
      ['network', 'inspect'].concat(names.map(name => `${stack.stack}_${name}`)),
    ),
  )
  const { mtu } = await readHostNetwork()
  for (const { Name, IPAM, Options } of networks) {
    t.match(IPAM.Config[0].Subnet, /^10\.213\.0\.\d+\/26$/, Name)
    const expected = mtu !== null && mtu < 1500 ? String(mtu) : undefined
    t.equal(Options['com.docker.network.driver.mtu'], expected, Name)
  }
  const again = await stack.cli(['start', '--detach'])
  t.notMatch(again.stderr, /stopping|starting/, 'the stack keeps its subnets')
  const squid = await stack.inside(['curl', '-sS', 'https://evil.test/'])
  t.match(squid.stderr, /407/, 'the proxy tells its callers apart on such networks')
})

t.test('a runtime that is not installed is reported with its setting', async t => {
  const stack = await createTestStack(t, {
    block: 2,
    start: false,
    settings: { RUNTIME: 'no-such-runtime' },
  })
  isTwoLines(t, await stack.cli(['start', '--detach']), {
    error: /no-such-runtime/,
    hint: /install that runtime in the engine, or remove RUNTIME from \.env/,
  })
})

t.test('a refused policy is reported with its line', async t => {
  const stack = await createTestStack(t, { block: 2, start: false })
  const policy = join(stack.checkout, 'proxy/squid.conf')
  const text = await readFile(policy, 'utf8')
  await writeFile(policy, text.replace(/^http_access deny all$/m, 'http_access deny al'))
  const outcome = await stack.cli(['start', '--detach'])
  isTwoLines(t, outcome, {
    error:
      /the proxy rejected its policy: the last http_access line must be: http_access deny all$/,
    hint: /git diff proxy\/squid\.conf/,
  })
  await writeFile(policy, text)
  t.equal((await stack.cli(['start', '--detach'])).code, 0, 'mended, the next start works')
})

t.test('a container that cannot start is reported with its last output', async t => {
  const stack = await createTestStack(t, { block: 2, start: false })
  const file = join(stack.checkout, 'compose.yaml')
  const text = await readFile(file, 'utf8')
  await writeFile(file, text.replace('GATEWAY_PORT: 8787', 'GATEWAY_PORT: no-port'))
  isTwoLines(t, await stack.cli(['start', '--detach']), {
    error: /gateway did not start: .*GATEWAY_PORT/,
    hint: /run \S*\/claude\.ts logs gateway to see the rest/,
  })
})

/** A checkout whose claude image is not built yet, with an empty cache of downloads. */
async function unbuilt(t: Parameters<typeof createControlScript>[0]) {
  const script = await createControlScript(t)
  await writeSettings(script.checkout, { ANTHROPIC_API_KEY: sentinel })
  await appendFile(join(script.checkout, 'claude/tools.md'), '\na line nobody has built yet\n')
  return script
}

t.test('a registry that does not answer fails the build with the name of the package', async t => {
  const script = await unbuilt(t)
  const env = {
    npm_config_registry: 'http://127.0.0.1:9/',
    npm_config_cache: await temporaryFolder(t, 'npm'),
    npm_config_fetch_retries: '0',
  }
  for (const args of [['start', '--detach'], ['build']]) {
    isTwoLines(t, await script.run(args, { env }), {
      error: /cannot fetch \S+@\S+ with npm: .*ECONNREFUSED/,
      hint: /npm ping, check registry, proxy and cafile/,
    })
  }
  isTwoLines(t, await script.run(['update', '--dry-run'], { env }), {
    error: /the npm registry has no \S+@\S+: .*ECONNREFUSED/,
    hint: /npm ping/,
  })
  const left = await readdir(join(script.env.XDG_CACHE_HOME ?? '', 'claude-secure'))
  t.same(
    left.filter(name => /^(build|fetch)-/.test(name)),
    [],
    'nothing half is left',
  )
})

t.test('update takes no version that was published too lately', async t => {
  const day = 86_400_000
  const published = (days: number) => new Date(Date.now() - days * day).toISOString()
  // As npm's registry: a newest version of two days, and one before it of thirty.
  const registry = createServer((request, response) => {
    const name = decodeURIComponent((request.url ?? '').slice(1))
    const line = name.includes('claude') ? '2.1' : name === 'npm' ? '11.99' : '24.99'
    const version = (patch: number) => {
      const dist = { integrity: `sha512-${'A'.repeat(86)}==`, tarball: 'http://127.0.0.1:9/x.tgz' }
      return { name, version: `${line}.${patch}`, dist }
    }
    response.setHeader('content-type', 'application/json')
    response.end(
      JSON.stringify({
        name,
        'dist-tags': { latest: `${line}.999` },
        versions: { [`${line}.998`]: version(998), [`${line}.999`]: version(999) },
        time: { [`${line}.998`]: published(30), [`${line}.999`]: published(2) },
      }),
    )
  })
  registry.listen(0, '127.0.0.1')
  await once(registry, 'listening')
  t.teardown(() => registry.close())
  const { port } = registry.address() as AddressInfo
  const script = await createControlScript(t)
  const env = {
    npm_config_registry: `http://127.0.0.1:${port}/`,
    npm_config_cache: await temporaryFolder(t, 'npm'),
  }
  const newest = async (settings: Record<string, string>) => {
    await writeSettings(script.checkout, { ANTHROPIC_API_KEY: sentinel, ...settings })
    const { code, stdout, stderr } = await script.run(['update', '--dry-run'], { env })
    t.equal(code, 0, stderr)
    return { versions: stdout.match(/(?<=→ )\d+\.\d+\.\d+$/gm), stderr }
  }
  t.same((await newest({})).versions, ['2.1.999', '2.1.999', '24.99.999', '24.99.999', '11.99.999'])
  const { versions, stderr } = await newest({ UPDATE_MIN_AGE_DAYS: '7' })
  t.same(versions, ['2.1.998', '2.1.998', '24.99.998', '24.99.998', '11.99.998'])
  t.match(stderr, /public for 7 days or longer; no second source confirms them/)
  t.equal((await newest({ UPDATE_MIN_AGE_DAYS: '40' })).versions, null, 'the pins stay')
})

t.test('a disk that is too full for downloads is reported with its free space', async t => {
  const script = await unbuilt(t)
  const disk = await temporaryFolder(t, 'disk')
  await must('mount', ['-t', 'tmpfs', '-o', 'size=24m', 'tmpfs', disk])
  t.teardown(() => run('umount', [disk]))
  isTwoLines(t, await script.run(['build'], { env: { XDG_CACHE_HOME: disk } }), {
    error: new RegExp(`cannot store \\S+@\\S+: the disk of ${disk}\\S* is full \\(\\d+ MB free\\)`),
    hint: /docker system df/,
  })
})

t.test("a disk that is too full for the engine is reported with the engine's folder", async t => {
  const script = await unbuilt(t)
  // This machine's downloads, where it has them: only the build fails.
  const cache = cacheRoot(script.env)
  await mkdir(cache)
  await run('cp', ['--archive', '--link', join(cacheRoot(), 'packages'), cache])
  const images = await must('docker', ['image', 'ls', '--format', '{{.Repository}}:{{.Tag}}'])
  const real = (await must('sh', ['-c', 'command -v docker'])).trim()
  // What buildx 0.13 prints when a layer cannot be written.
  const words =
    '#9 ERROR: failed to copy files: copy file range failed: no space left on device\\nERROR: failed to solve: no space left on device'
  const docker = await fakeDocker(t, {
    cases: `'image ls'*) ${real} "$@" ;;
'context show') echo default ;;
'info'*) echo /var/lib/docker ;;
'buildx build'*) printf '${words}\\n' >&2; exit 1 ;;`,
  })
  t.match(images, /claude-secure\/node/, 'only the last image is missing')
  const PATH = `${docker}:${script.env.PATH}`
  isTwoLines(t, await script.run(['build'], { env: { PATH } }), {
    error:
      /cannot build claude-secure\/claude:\w+: the disk of \/var\/lib\/docker is full \(\d+ MB/,
    hint: /docker builder prune/,
  })
})
