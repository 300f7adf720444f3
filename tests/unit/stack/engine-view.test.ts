import { chmod, readdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import t from 'tap'
import { inContainer, refuseOtherFileSystem } from '../../../src/stack/engine-view.ts'

const ask = async (folder: string, script: string) => {
  await writeFile(join(folder, 'docker'), `#!/bin/sh\n${script}\n`)
  await chmod(join(folder, 'docker'), 0o755)
  return refuseOtherFileSystem(
    { kind: 'docker', file: join(folder, 'docker'), env: { PATH: '/usr/bin:/bin' } },
    {
      image: 'i',
      scratch: folder,
      folders: ['/home/me/a,"b'],
      where: 'tcp://127.0.0.1:2375',
      signal: new AbortController().signal,
    },
  )
}

t.test('an engine that shows the file has the same file system', async t => {
  const folder = t.testdir({})
  await ask(folder, `for last; do :; done; cat "${folder}/\${last##*/}"`)
  t.strictSame(
    (await readdir(folder)).filter(name => name.startsWith('.engine')),
    [],
  )
})

t.test('an engine that shows nothing, or another file, is refused with the folders', async t => {
  const folder = t.testdir({})
  const missing = 'echo "invalid mount config: bind source path does not exist: /x" >&2; exit 125'
  await t.rejects(ask(folder, missing), {
    message: /tcp:\/\/127\.0\.0\.1:2375 has another file system: .*does not see it/,
    hint: /on the machine of the engine/,
  })
  await t.rejects(ask(folder, 'echo other'), /another file system/)
  t.strictSame(
    (await readdir(folder)).filter(name => name.startsWith('.engine')),
    [],
  )
})

t.test('a path with commas and quotes stays one field of the mount', async t => {
  const folder = t.testdir({})
  await ask(folder, `echo "$@" > ${folder}/args`).catch(() => {})
  const { readFile } = await import('node:fs/promises')
  const args = await readFile(join(folder, 'args'), 'utf8')
  t.match(args, 'type=bind,"source=/home/me/a,""b",target=/view/1,readonly')
})

t.test('a container is recognised by the files that its engine mounts', async t => {
  const id = 'a'.repeat(64)
  const line = `623 600 8:1 /var/lib/docker/containers/${id}/hostname /etc/hostname rw,relatime - ext4 /dev/sda1 rw\n`
  t.ok(inContainer(line))
  t.notOk(inContainer('30 1 8:1 / / rw,relatime - ext4 /dev/sda1 rw\n'))
})
