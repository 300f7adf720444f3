import { execFileSync } from 'node:child_process'
import { symlinkSync, truncateSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { imageAdditions } from '../../../src/config/image-additions.ts'
import { listAdditions } from '../../../src/images/addition-files.ts'

const list = (folder: string, settings: { DOCKERFILE?: string } = {}) => {
  const { scripts, context } = listAdditions(imageAdditions({ CUSTOM_DIR: folder, ...settings }))
  const paths = (files: typeof scripts) => files.map(({ path }) => path)
  return { scripts: paths(scripts), context: context && paths(context) }
}

t.test('scripts in the order of their names, the context without the other parts', async t => {
  const folder = t.testdir({
    'init.d': { '20-b.sh': '', '10-a.sh': '', '.c.sh': '', 'd.txt': '', sub: { 'e.sh': '' } },
    bin: { tool: '' },
    '.git': { HEAD: '' },
    Dockerfile: '',
    conf: { deep: { x: '' }, bin: { y: '' } },
  })
  t.same(list(folder), {
    scripts: ['10-a.sh', '20-b.sh'],
    context: ['Dockerfile', 'conf/bin/y', 'conf/deep/x'],
  })
  t.same(list(join(folder, 'conf')), { scripts: [], context: null })
  t.same(list('/nonexistent'), { scripts: [], context: null })
})

t.test('a Dockerfile that is named and is not there is an error', async t => {
  t.throws(() => list('/nonexistent', { DOCKERFILE: '/nonexistent/Dockerfile' }), {
    message: 'DOCKERFILE=/nonexistent/Dockerfile is no file',
  })
})

t.test('links lead to files of the same folder, or nowhere', async t => {
  const folder = t.testdir({ 'init.d': { real: 'echo' }, secret: 'x' })
  const link = join(folder, 'init.d/a.sh')
  symlinkSync('real', link)
  t.same(list(folder).scripts, ['a.sh'])
  for (const [target, message] of [
    ['/etc/passwd', /a\.sh is a link out of its folder$/],
    ['../secret', /a\.sh is a link out of its folder$/],
    ['missing', /a\.sh leads nowhere$/],
    ['.', /a\.sh is a link out of its folder$/],
    ['/', /a\.sh is a link out of its folder$/],
  ] as const) {
    const each = t.testdir({ 'init.d': {}, secret: 'x' })
    symlinkSync(target, join(each, 'init.d/a.sh'))
    t.throws(() => list(each), { message }, target)
  }
})

t.test('pipes and folders of links are refused before anything is read', async t => {
  const folder = t.testdir({ 'init.d': {} })
  execFileSync('mkfifo', [join(folder, 'init.d/pipe.sh')])
  t.throws(() => list(folder), { message: /pipe\.sh is not a regular file$/ })
  const other = t.testdir({ Dockerfile: '', sub: {} })
  symlinkSync('sub', join(other, 'link'))
  t.throws(() => list(other), { message: /link is not a regular file$/ })
})

t.test('a folder that was named by mistake is refused', async t => {
  const many = t.testdir({ Dockerfile: '' })
  for (let index = 0; index < 1000; index++) writeFileSync(join(many, `${index}`), '')
  t.throws(() => list(many), { message: /holds more than 1000 files or 64 MiB$/ })
  const large = t.testdir({ Dockerfile: '', big: '' })
  truncateSync(join(large, 'big'), 65 * 1024 * 1024)
  t.throws(() => list(large), { message: /holds more than 1000 files or 64 MiB$/ })
})
