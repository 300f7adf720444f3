import { chmod, mkdir, writeFile } from 'node:fs/promises'
import { delimiter, join } from 'node:path'
import t, { type Test } from 'tap'
import { registryUrls } from '../../../../src/egress/presets/crates.ts'
import { parseGoEnvironment } from '../../../../src/egress/presets/go.ts'
import { presetSites, presets } from '../../../../src/egress/presets/presets.ts'
import { defaultIndex } from '../../../../src/egress/presets/pypi.ts'

/** An environment in which a client says what a test wants to hear. */
async function client(t: Test, name: string, script: string) {
  const folder = t.testdir({})
  await writeFile(join(folder, name), `#!/bin/sh\n${script}\n`)
  await chmod(join(folder, name), 0o755)
  return { PATH: [folder, '/usr/bin', '/bin'].join(delimiter), HOME: folder }
}

const nobody = { PATH: '/nonexistent', HOME: '/nonexistent' }

t.test('an unknown preset is told the known ones', async t => {
  await t.rejects(presetSites('nmp', { env: nobody }), {
    message: 'there is no preset @nmp',
    hint: /@npm, @debian, @github, @pypi, @go, @crates/,
    exitCode: 2,
  })
  await t.rejects(presetSites('constructor', { env: nobody }), /no preset @constructor/)
})

t.test('no registry is guessed where there is nobody to ask', async t => {
  for (const name of ['npm', 'pypi', 'go', 'crates']) {
    await t.rejects(
      presetSites(name, { env: nobody }),
      { name: 'UserError', message: new RegExp(`^@${name}: `), hint: /\.\/claude\.ts allow NAME/ },
      name,
    )
  }
})

t.test('@npm is the registry of the user’s npm, asked outside of any project', async t => {
  const env = await client(t, 'npm', '[ "$PWD" = / ] && echo https://npm.mirror.test/npm/')
  t.match(await presetSites('npm', { env }), { urls: ['https://npm.mirror.test/npm/'] })
})

t.test('@npm says so when the npm in the container would ask another one', async t => {
  const env = await client(
    t,
    'npm',
    'case "$*" in *userconfig*) echo https://built-in.test/ ;; *) echo https://mirror.test/ ;; esac',
  )
  const { notes } = await presetSites('npm', { env })
  t.match(notes, [/\.npmrc says: registry=https:\/\/mirror\.test\//])
})

t.test('@npm does not take words for a registry', async t => {
  const env = await client(t, 'npm', 'echo undefined')
  await t.rejects(presetSites('npm', { env }), /names no registry, but "undefined"/)
})

t.test('@go is GOPROXY and GOSUMDB', async t => {
  const env = await client(
    t,
    'go',
    'printf "https://go.mirror.test|https://two.test,direct\\nsum.test+key https://sums.test/x\\n"',
  )
  const { urls, notes } = await presetSites('go', { env })
  t.strictSame(urls, ['https://go.mirror.test', 'https://two.test', 'https://sums.test/x'])
  t.match(notes, [/its own host/])
  t.strictSame(parseGoEnvironment('https://a.test', 'off').urls, ['https://a.test'])
  t.strictSame(parseGoEnvironment('https://a.test', 'sum.test').urls[1], 'https://sum.test')
  t.throws(() => parseGoEnvironment('off', 'off'), /names no proxy/)
})

t.test('@crates is what cargo keeps of the registries it used', async t => {
  const folder = t.testdir({})
  const index = join(folder, 'registry/index/index.mirror.test-1949cf8c6b5b557f')
  await mkdir(index, { recursive: true })
  await writeFile(join(index, 'config.json'), '{"dl":"https://files.mirror.test/{crate}"}')
  t.strictSame((await presetSites('crates', { env: { CARGO_HOME: folder } })).urls, [
    'https://index.mirror.test',
    'https://files.mirror.test/{crate}',
  ])
  t.strictSame(registryUrls('no-hash', '{}'), [])
  t.strictSame(registryUrls('a.test-0123456789abcdef', 'damaged'), ['https://a.test'])
})

t.test(
  '@pypi is the configured index, or the default that pip tells, and its files’ host',
  async t => {
    const env = await client(
      t,
      'pip3',
      `case "$1" in
      config) echo https://pypi.mirror.test/simple ;;
      *) echo '{"install":[{"download_info":{"url":"https://files.test/pip.whl"}}]}' ;;
    esac`,
    )
    t.strictSame((await presetSites('pypi', { env })).urls, [
      'https://pypi.mirror.test/simple',
      'https://files.test/pip.whl',
    ])
    const help = `  -i, --index-url <url>       Base URL of the Python Package Index (default
                              https://index.test/simple). This should point`
    t.equal(defaultIndex(help), 'https://index.test/simple')
    t.equal(defaultIndex('nothing of it'), null)
  },
)

t.test(
  '@debian takes the mirror of the settings, and says that only HTTPS goes through',
  async t => {
    const { urls, notes } = await presetSites('debian', {
      env: nobody,
      debianMirror: 'http://mirror.test/debian',
    })
    t.strictSame(urls, ['https://mirror.test/debian', 'https://mirror.test/debian-security'])
    t.match(notes[0], /http:\/\/mirror\.test\/debian is not let through/)
  },
)

t.test('@github is its own hosts', async t => {
  const { urls } = await presetSites('github', { env: nobody })
  t.ok(urls.includes('https://api.github.com'))
  t.equal(Object.keys(presets).length, 6)
})
