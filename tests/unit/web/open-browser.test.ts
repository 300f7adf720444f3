import { chmod, readFile, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import t from 'tap'
import { openBrowser } from '../../../src/web/open-browser.ts'
import { temporaryFolder } from '../../support/stack/checkout.ts'

const url = 'http://127.0.0.1:3456/#token=s3cret'

t.test(
  'the browser gets a file that only the user can read, and no token in its arguments',
  async t => {
    const folder = join(await temporaryFolder(t, 'web'), 'state')
    const bin = await temporaryFolder(t, 'bin')
    const opener = join(bin, 'xdg-open')
    await writeFile(opener, `#!/bin/sh\nprintf '%s\\n' "$@" > '${bin}/arguments'\n`)
    await chmod(opener, 0o755)
    const env = { PATH: `${bin}:${process.env.PATH}` }
    const { opened, remove } = await openBrowser(url, { folder, env })
    t.ok(opened)
    const [argument = ''] = (await readFile(join(bin, 'arguments'), 'utf8')).trim().split('\n')
    t.notMatch(argument, 's3cret')
    const path = fileURLToPath(argument)
    t.match(await readFile(path, 'utf8'), `content="0;url=${url}"`)
    t.equal((await stat(path)).mode & 0o777, 0o600)
    t.equal((await stat(folder)).mode & 0o777, 0o700)
    await remove()
    await t.rejects(stat(path), { code: 'ENOENT' })
  },
)

t.test('without a program that opens addresses it says so', async t => {
  const folder = await temporaryFolder(t, 'web')
  const bin = await temporaryFolder(t, 'bin')
  const { opened, remove } = await openBrowser(url, { folder, env: { PATH: bin } })
  t.notOk(opened)
  await remove()
})
