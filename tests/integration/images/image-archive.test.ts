import { execFileSync } from 'node:child_process'
import { mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { loadImages, saveImages } from '../../../src/images/image-archive.ts'
import { fakeProgram } from '../../support/docker/fake-docker.ts'

const own = 'claude-secure/claude:1f2e3d4c5b6a'

/** A docker client that saves `archive` and keeps what it loads. */
async function start(t: Test, tags: readonly (readonly string[] | null)[]) {
  const folder = t.testdir({ content: {} })
  const manifest = JSON.stringify(tags.map(RepoTags => ({ Config: 'c', RepoTags, Layers: [] })))
  writeFileSync(join(folder, 'content/manifest.json'), manifest)
  const archive = join(folder, 'archive.tar')
  execFileSync('tar', ['-cf', archive, '-C', join(folder, 'content'), 'manifest.json'])
  const bin = await fakeProgram(
    t,
    'docker',
    `case "$1" in
save) cp ${archive} "$3"; shift 3; echo "$*" > ${folder}/saved ;;
load) cat > ${folder}/loaded ;;
*) exit 99 ;;
esac`,
  )
  const client = {
    kind: 'docker',
    file: join(bin, 'docker'),
    env: { PATH: process.env.PATH ?? '' },
  } as const
  const loaded = () => {
    try {
      return readFileSync(join(folder, 'loaded'))
    } catch {
      return null
    }
  }
  return { folder, archive, client, loaded, path: join(folder, 'images.tar') }
}

t.test('images are saved into a file with a digest, and loaded by it', async t => {
  const { archive, client, loaded, path, folder } = await start(t, [[own], [`localhost/${own}`]])
  const digest = await saveImages([own], { client, path })
  t.match(digest, /^sha256:[0-9a-f]{64}$/)
  t.equal(readFileSync(join(folder, 'saved'), 'utf8'), `${own}\n`)
  t.match(execFileSync('sha256sum', [path]).toString(), digest.slice(7))
  await loadImages({ digest, names: [own] }, { client, path })
  t.same(loaded(), readFileSync(archive))
})

t.test('nothing is loaded by another digest, or of another name', async t => {
  const { client, loaded, path } = await start(t, [[own], ['debian:13']])
  const digest = await saveImages([own], { client, path })
  const other = `sha256:${'0'.repeat(64)}`
  await t.rejects(loadImages({ digest: other, names: [own] }, { client, path }), {
    message: `${path} has the digest ${digest}`,
    hint: /get the file again/,
  })
  await t.rejects(loadImages({ digest, names: [own] }, { client, path }), {
    message: /has debian:13, which is not an image of this checkout$/,
    hint: /same version/,
  })
  t.equal(loaded(), null)
})

t.test('a file that is no archive of images is not loaded', async t => {
  const { client, loaded, folder, path } = await start(t, [null])
  const load = (file: string, digest: string) =>
    loadImages({ digest, names: [own] }, { client, path: join(folder, file) })
  const digest = await saveImages([own], { client, path })
  await t.rejects(load('images.tar', digest), { message: /it is not an archive of images$/ })
  writeFileSync(join(folder, 'text'), 'text')
  const sum = execFileSync('sha256sum', [join(folder, 'text')])
    .toString()
    .slice(0, 64)
  await t.rejects(load('text', `sha256:${sum}`), { message: /it is not an archive of images$/ })
  mkdirSync(join(folder, 'folder'))
  symlinkSync('folder', join(folder, 'link'))
  await t.rejects(load('link', digest), { message: /it is not a regular file$/ })
  await t.rejects(load('missing', digest), { message: /it is missing$/, hint: /images save/ })
  t.equal(loaded(), null)
})
