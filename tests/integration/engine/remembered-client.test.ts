import { chmod, mkdir, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { rememberedClient } from '../../../src/engine/remembered-client.ts'

const day = 24 * 60 * 60_000

/** A docker program that counts how often it was asked, with a plugin in the user's own folder. */
async function machine(t: Test) {
  const folder = t.testdir({ bin: {}, cache: {}, home: { '.docker': { 'cli-plugins': {} } } })
  const write = async (version: string) => {
    const text = `#!/bin/sh\necho asked >> ${folder}/asked\necho ${version}\n`
    await writeFile(join(folder, 'bin/docker'), text)
    await chmod(join(folder, 'bin/docker'), 0o755)
  }
  const plugin = join(folder, 'home/.docker/cli-plugins/docker-compose')
  await write('2.26.1')
  await writeFile(plugin, 'one')
  const env = { PATH: `${join(folder, 'bin')}:/usr/bin:/bin`, HOME: join(folder, 'home') }
  const asked = async () => {
    const { readFile } = await import('node:fs/promises')
    const text = await readFile(join(folder, 'asked'), 'utf8').catch(() => '')
    return text.split('\n').length - 1
  }
  return { folder, plugin, write, env, asked, cache: join(folder, 'cache') }
}

t.test('the client is asked once a day, and again when the program changes', async t => {
  const { env, cache, asked, write } = await machine(t)
  const now = Date.now()
  const first = await rememberedClient(env, cache, now)
  t.match(first, { compose: '2.26.1', buildx: '2.26.1' })
  t.equal(await asked(), 2)
  t.match(await rememberedClient(env, cache, now + day - 1), { compose: '2.26.1' })
  t.equal(await asked(), 2, 'remembered')
  await rememberedClient(env, cache, now + day)
  t.equal(await asked(), 4, 'a day is over')
  await write('2.10.0 # longer')
  t.match(await rememberedClient(env, cache, now + day), { compose: '2.10.0' })
})

t.test('a plugin that was replaced, removed or added is asked at once', async t => {
  const { env, cache, asked, plugin } = await machine(t)
  await rememberedClient(env, cache)
  await writeFile(plugin, 'another one')
  await rememberedClient(env, cache)
  t.equal(await asked(), 4)
  await rm(plugin)
  await rememberedClient(env, cache)
  t.equal(await asked(), 6)
  await rememberedClient(env, cache)
  t.equal(await asked(), 6, 'remembered again')
  await writeFile(plugin.replace('compose', 'buildx'), '')
  await rememberedClient(env, cache)
  t.equal(await asked(), 8)
})

t.test('a damaged memory is ignored', async t => {
  const { env, cache, asked } = await machine(t)
  await mkdir(cache, { recursive: true })
  await writeFile(join(cache, 'client.json'), '{')
  t.match(await rememberedClient(env, cache), { compose: '2.26.1' })
  t.equal(await asked(), 2)
})
