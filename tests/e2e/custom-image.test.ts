import { mkdir, rm, symlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { copyCheckout, temporaryFolder } from '../support/stack/checkout.ts'
import { must, run } from '../support/stack/process.ts'
import { cliEnvironment, createTestStack, writeSettings } from '../support/stack/test-stack.ts'

// Packages, scripts and a Dockerfile of the user's own, built into the image that the agent runs in.

const buildTime = 400_000

/** A checkout with additions, and what `build` says to them. */
async function builder(t: Test) {
  const checkout = await copyCheckout(t)
  const custom = await temporaryFolder(t, 'custom')
  const env = cliEnvironment(await temporaryFolder(t, 'state'))
  const build = async (
    files: Record<string, string> = {},
    settings: Record<string, string> = {},
  ) => {
    await rm(custom, { recursive: true, force: true })
    for (const [name, text] of Object.entries(files)) {
      await mkdir(join(custom, name, '..'), { recursive: true })
      await writeFile(join(custom, name), text)
    }
    await writeSettings(checkout, { CUSTOM_DIR: custom, ...settings })
    const outcome = await run(join(checkout, 'claude.ts'), ['build'], {
      cwd: '/',
      env,
      timeout: buildTime,
    })
    return { ...outcome, image: outcome.stdout.trim().split('\n').at(-1) ?? '' }
  }
  return { build, custom, env, checkout }
}

const inImage = (image: string, script: string, user = '4242') =>
  run('docker', [
    ...['run', '--rm', '--network=none', '--read-only', '--user', user, '--entrypoint=sh', image],
    ...['-c', script],
  ])

/** The last two lines: what went wrong, and what to do. */
const said = (stderr: string) => stderr.trim().split('\n').slice(-2).join('\n')

const dockerfile = (...lines: string[]) =>
  ['ARG CLAUDE', `FROM $\{CLAUDE}`, 'USER root', ...lines, ''].join('\n')

t.test('packages and scripts reach both containers of the agent', async t => {
  const custom = await temporaryFolder(t, 'custom')
  const script = (word: string) =>
    `set -e\necho "${word} by $(id -u)" > /etc/marker\ninstall -m 6755 /bin/true /usr/local/bin/planted\n`
  await mkdir(join(custom, 'init.d'))
  await writeFile(join(custom, 'init.d/10-first.sh'), script('first'))
  await writeFile(join(custom, 'init.d/20-second.sh'), 'echo second >> /etc/marker\n')
  await writeFile(join(custom, 'init.d/notes.txt'), 'exit 1')
  const stack = await createTestStack(t, {
    worker: true,
    settings: { PACKAGES: 'bc', CUSTOM_DIR: custom },
  })
  for (const service of ['claude', 'worker']) {
    // The worker's key is the only secret there: nothing of the build is left.
    const { stdout, stderr } = await stack.inside(
      [
        'sh',
        '-c',
        'echo 6*7 | bc; cat /etc/marker; ls /run/init.d; ls /run/secrets | grep -vx meter-key; id -u',
      ],
      { service },
    )
    t.equal(stdout, '42\nfirst by 0\nsecond\n4242\n', `${service}: ${stderr}`)
    const image = await must('docker', [
      ...['inspect', '--format', '{{.Config.Image}}', stack.container(service)],
    ])
    t.match(image, /^claude-secure\/agent:[0-9a-f]{12}$/m)
  }
  const told = await stack.inside(['cat', '/etc/claude-code/CLAUDE.md'])
  t.match(told.stdout, /^- bc 1\.\d+/m)
  t.match(told.stdout, /^- in \/usr\/local\/bin: planted$/m)

  const audit = await stack.cli(['audit', '--probe', 'C1', 'H4', '--json'], { timeout: 300_000 })
  t.equal(audit.code, 0, `${audit.stdout}${audit.stderr}`)

  // The first start remembers; the second must see that a script is another one.
  await writeFile(join(custom, 'init.d/10-first.sh'), script('other'))
  const again = await stack.cli(['start', '--detach'], { timeout: buildTime })
  t.equal(again.code, 0, again.stderr)
  t.match((await stack.inside(['cat', '/etc/marker'])).stdout, /^other by 0$/m)
})

t.test('a failed build is reported in two lines, with the reason', async t => {
  const { build, custom } = await builder(t)
  const unknown = await build({}, { PACKAGES: 'bc no-such-package-of-ours' })
  t.equal(unknown.code, 1)
  t.match(
    said(unknown.stderr),
    /^error: cannot build claude-secure\/agent:[0-9a-f]+: E: Unable to locate package no-such-package-of-ours\nhint: {2}correct your additions/,
  )
  const version = await build({}, { PACKAGES: 'bc=0.0.1' })
  t.match(said(version.stderr), /: E: Version '0\.0\.1' for 'bc' was not found\n/)

  for (const value of [
    `bc;touch$\{IFS}/x`,
    '$(id)',
    '-oAPT::Get::Simulate=1',
    'bc-',
    '../bc.deb',
  ]) {
    const { code, stderr } = await build({}, { PACKAGES: `'${value}'` })
    t.equal(code, 1, value)
    t.match(stderr, /^error: .*PACKAGES: .*must be names of Debian packages/, value)
  }

  const failing = await build({
    'init.d/10-good.sh': 'echo fine',
    'init.d/20-bad.sh': 'echo one; echo two >&2; echo "three \u001b]0;title\u0007"; exit 7',
    'init.d/30-never.sh': 'echo never',
  })
  t.equal(failing.code, 1)
  t.match(
    said(failing.stderr),
    /^error: cannot build claude-secure\/agent:[0-9a-f]+: init\.d\/20-bad\.sh ended with exit code 7: one \| two \| three \nhint: /,
  )

  await mkdir(join(custom, 'init.d'), { recursive: true })
  const silent = await build({ 'init.d/10-silent.sh': 'exit 1' })
  t.match(said(silent.stderr), /10-silent\.sh ended with exit code 1: it printed nothing\n/)
})

t.test('symlinks do not bring in files from outside the folder', async t => {
  const { custom, env, checkout } = await builder(t)
  await mkdir(join(custom, 'init.d'), { recursive: true })
  await symlink('/etc/passwd', join(custom, 'init.d/10-link.sh'))
  await writeSettings(checkout, { CUSTOM_DIR: custom })
  const { code, stderr } = await run(join(checkout, 'claude.ts'), ['build'], { cwd: '/', env })
  t.equal(code, 1)
  t.match(stderr, /^error: .*init\.d\/10-link\.sh is a symlink that leaves its folder\nhint: /m)
})

t.test('a Dockerfile of the user’s own, under packages and scripts', async t => {
  const { build } = await builder(t)
  const { code, stderr, image } = await build(
    {
      Dockerfile: dockerfile(
        'COPY conf/own.conf /etc/own.conf',
        'RUN install -m 4755 /bin/true /usr/local/bin/planted && install -m 2755 /bin/true /planted',
        'ENV OWN=yes ANTHROPIC_BASE_URL=http://evil.test',
        'ENTRYPOINT ["/bin/false"]',
      ),
      'conf/own.conf': 'own',
      'init.d/10.sh': 'cat /etc/own.conf > /etc/seen; echo " $OWN" >> /etc/seen',
      'bin/tool': 'not for the image',
    },
    { PACKAGES: 'bc' },
  )
  t.equal(code, 0, stderr)
  t.match(image, /^claude-secure\/agent:/)
  const { stdout } = await inImage(
    image,
    'cat /etc/seen; echo 1+1 | bc; echo $OWN $ANTHROPIC_BASE_URL; find / -xdev -perm /6000 -type f 2>/dev/null; ls /bin/tool',
  )
  t.equal(stdout, 'own yes\n2\nyes http://gateway:8787\n')
  const config = JSON.parse(
    await must('docker', ['image', 'inspect', '--format', '{{json .Config}}', image]),
  )
  t.match(config, { User: '1000:1000', WorkingDir: '/workspace' })
  t.notOk(config.Entrypoint?.length)
})

t.test("an image that loses the agent's confinement is refused", async t => {
  const { build } = await builder(t)
  const settings = '/etc/claude-code/managed-settings.json'
  const further = '/etc/claude-code/managed-settings.d'
  const program = (name: string) => `/usr/local/bin/${name}`
  for (const [what, changes] of [
    [
      'other contents',
      {
        [settings]: `sed -i s/gateway/evil/ ${settings}`,
        [further]: `mkdir ${further} && echo {} > ${further}/x.json`,
        [program('claude')]: `cp /bin/true ${program('claude')}`,
      },
    ],
    [
      'other programs',
      {
        [program('node')]: `echo >> ${program('node')}`,
        [program('claude-secure-session')]: `echo >> ${program('claude-secure-session')}`,
        '/opt/claude-secure': 'rm -r /opt/claude-secure',
        '/usr/local/lib/claude-secure/tool-list': 'echo >> /usr/local/lib/claude-secure/tool-list',
      },
    ],
    [
      'other modes',
      {
        [settings]: `chmod 666 ${settings}`,
        '/etc/claude-code/CLAUDE.md': 'ln -sf managed-settings.json /etc/claude-code/CLAUDE.md',
        '/etc/claude-secure': 'chown 1000 /etc/claude-secure',
        '/usr/local/bin': 'chmod 777 /usr/local/bin',
      },
    ],
    ['no settings', { [settings]: `rm ${settings}` }],
    ['a system folder of everyone', { '/etc': 'chmod 777 /etc' }],
    [
      'a folder that is a link',
      { '/etc/claude-code': 'mv /etc/claude-code /opt/x && ln -s ../opt/x /etc/claude-code' },
    ],
    [
      'a folder that is a link to that of whoever looks',
      {
        '/usr/local': 'mv /usr/local /usr/other && ln -s /usr/local /x && mv /x /usr/local',
      },
    ],
  ] as const) {
    const { code, stderr } = await build({
      Dockerfile: dockerfile(`RUN ${Object.values(changes).join(' && ')}`),
    })
    t.equal(code, 1, what)
    t.match(said(stderr), /^error: cannot build claude-secure\/agent:[0-9a-f]+: the image /, what)
    for (const path of Object.keys(changes)) {
      t.match(said(stderr), new RegExp(` ${path}( |$)`, 'm'), `${what}: ${path}`)
    }
  }
  const script = await build({ 'init.d/10.sh': `echo {} > ${settings}` })
  t.equal(script.code, 1, 'a script')
  t.match(said(script.stderr), settings)
})

t.test('another base, a volume, a Dockerfile that fails, one in the workspace', async t => {
  const { build } = await builder(t)
  const other = await build({ Dockerfile: 'FROM scratch\n' })
  t.match(
    said(other.stderr),
    /^error: .*Dockerfile does not build on the agent's image\nhint: {2}begin/,
  )
  const volume = await build({ Dockerfile: dockerfile('VOLUME /etc/claude-code') })
  t.match(
    said(volume.stderr),
    /^error: your Dockerfile declares volumes: \/etc\/claude-code\nhint: /,
  )
  const { stderr } = await build({ Dockerfile: dockerfile('RUN echo the reason && exit 3') })
  t.match(
    said(stderr),
    /^error: cannot build claude-secure\/custom:[0-9a-f]+: the reason\nhint: {2}correct your Dockerfile; see the whole output in /,
  )

  const stack = await createTestStack(t, { start: false, files: { Dockerfile: dockerfile() } })
  const start = await run(join(stack.checkout, 'claude.ts'), ['start', '--detach'], {
    cwd: stack.workspace,
    env: { ...stack.env, DOCKERFILE: join(stack.workspace, 'Dockerfile') },
  })
  t.equal(start.code, 1)
  t.match(start.stderr, /^error: .* is built into the image, but the agent can change it/m)
})
