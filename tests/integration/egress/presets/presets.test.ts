import { chmod, mkdir, writeFile } from 'node:fs/promises'
import { delimiter, join } from 'node:path'
import t, { type Test } from 'tap'
import { presetSites, presets } from '../../../../src/egress/presets/presets.ts'
import {
  defaultIndex,
  parseGoEnvironment,
  registryUrls,
} from '../../../../src/egress/presets/registries.ts'

/** Builds an environment with a fake client that runs the given script. */
async function client(t: Test, name: string, script: string) {
  const folder = t.testdir({})
  await writeFile(join(folder, name), `#!/bin/sh\n${script}\n`)
  await chmod(join(folder, name), 0o755)
  return { PATH: [folder, '/usr/bin', '/bin'].join(delimiter), HOME: folder }
}

const noClients = { PATH: '/nonexistent', HOME: '/nonexistent' }

t.test('an unknown preset is refused with a list of the known ones', async t => {
  await t.rejects(presetSites('nmp', { env: noClients }), {
    message: 'unknown preset @nmp',
    hint: /@npm, @debian, @github, @pypi, @go, @crates/,
    exitCode: 2,
  })
  await t.rejects(presetSites('constructor', { env: noClients }), /unknown preset @constructor/)
})

t.test('does not guess a registry without its client', async t => {
  for (const name of ['npm', 'pypi', 'go', 'crates']) {
    await t.rejects(
      presetSites(name, { env: noClients }),
      { name: 'UserError', message: new RegExp(`^@${name}: `), hint: /allow NAME/ },
      name,
    )
  }
})

t.test('@npm is the registry of the user’s npm outside of any project', async t => {
  const env = await client(t, 'npm', '[ "$PWD" = / ] && echo https://npm.mirror.test/npm/')
  t.match(await presetSites('npm', { env }), { urls: ['https://npm.mirror.test/npm/'] })
})

t.test('@npm notes that npm in the container uses another registry by default', async t => {
  const env = await client(
    t,
    'npm',
    'case "$*" in *userconfig*) echo https://built-in.test/ ;; *) echo https://mirror.test/ ;; esac',
  )
  const { notes } = await presetSites('npm', { env })
  t.match(notes, [/\.npmrc: registry=https:\/\/mirror\.test\//])
})

t.test('@npm does not take words for a registry', async t => {
  const env = await client(t, 'npm', 'echo undefined')
  await t.rejects(presetSites('npm', { env }), /reports "undefined", which is not a registry/)
})

t.test('@go is GOPROXY and GOSUMDB', async t => {
  const env = await client(
    t,
    'go',
    'printf "https://go.mirror.test|https://two.test,direct\\nsum.test+key https://sums.test/x\\n"',
  )
  const { urls, notes } = await presetSites('go', { env })
  t.strictSame(urls, ['https://go.mirror.test', 'https://two.test', 'https://sums.test/x'])
  t.match(notes, [/their own host/])
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

t.test('@pypi is the configured index, or pip’s default, and its files’ host', async t => {
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
})

t.test(
  '@debian takes the mirror of the settings, and notes that only HTTPS is allowed',
  async t => {
    const { urls, notes } = await presetSites('debian', {
      env: noClients,
      debianMirror: 'http://mirror.test/debian',
    })
    t.strictSame(urls, ['https://mirror.test/debian', 'https://mirror.test/debian-security'])
    t.match(notes[0], /http:\/\/mirror\.test\/debian stays blocked: use https/)
  },
)

t.test('@github is its own hosts', async t => {
  const { urls } = await presetSites('github', { env: noClients })
  t.ok(urls.includes('https://api.github.com'))
  t.equal(Object.keys(presets).length, 6)
})
