import { chmod, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import t from 'tap'
import { checkoutLabel, pruneImages } from '../../../src/images/image-prune.ts'

t.test("old images of this checkout and of lost ones go; another checkout's stay", async t => {
  const image = (tag: string, root: string) => {
    const [name = '', value = ''] = checkoutLabel(root).split('=')
    return {
      Id: `sha256:${tag}`,
      RepoTags: tag === '' ? [] : [tag],
      Config: { Labels: { [name]: value } },
    }
  }
  const folder = t.testdir({
    here: {},
    other: {},
    docker: `#!/bin/sh
dir=$(dirname "$0")
case "$2" in
  ls) printf '1\\n2\\n' ;;
  inspect) cat "$dir/images" ;;
  rm) echo "$3" >> "$dir/removed" ;;
esac
`,
    removed: '',
  })
  const root = join(folder, 'here')
  const images = [
    image('claude-secure/base:now', root),
    image('localhost/claude-secure/node:now', root),
    image('claude-secure/base:old', root),
    image('claude-secure/base:lost', join(folder, 'lost')),
    image('claude-secure/base:other', join(folder, 'other')),
    image('mine/derived:1', root),
    image('', root),
  ]
  await writeFile(join(folder, 'images'), JSON.stringify(images))
  await chmod(join(folder, 'docker'), 0o755)
  await pruneImages({
    client: { kind: 'docker', file: join(folder, 'docker'), env: { PATH: '/bin:/usr/bin' } },
    keep: ['claude-secure/base:now', 'claude-secure/node:now'],
    root,
  })
  t.same((await readFile(join(folder, 'removed'), 'utf8')).trimEnd().split('\n'), [
    'claude-secure/base:old',
    'claude-secure/base:lost',
    'sha256:',
  ])
})
