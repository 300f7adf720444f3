import { access, readdir, stat, utimes } from 'node:fs/promises'
import { join } from 'node:path'
import t from 'tap'
import { withScratchFolder, withSharedFolder } from '../../../src/files/scratch-folder.ts'

t.test('the folder is gone afterwards, also after a failure', async t => {
  const parent = join(t.testdir({}), 'parent')
  await withScratchFolder(parent, 'x-', folder => access(folder))
  await t.rejects(
    withScratchFolder(parent, 'x-', async () => {
      throw new Error('failed')
    }),
    { message: 'failed' },
  )
  t.same(await readdir(parent), [])
})

t.test('what a killed run left goes after a day, what is at work stays', async t => {
  const parent = t.testdir({ 'x-old': { file: '1' }, 'x-new': {}, 'y-old': {} })
  for (const name of ['x-old', 'y-old']) await utimes(join(parent, name), 1, 1)
  await withScratchFolder(parent, 'x-', async () => {})
  t.same((await readdir(parent)).sort(), ['x-new', 'y-old'])
})

const skip = process.getuid?.() === 0 ? false : 'only root has such a folder'

t.test(
  'a shared folder is entered by its name, and neither listed nor written',
  { skip },
  async t => {
    const path = await withSharedFolder('test-', async folder => {
      for (const place of [folder, join(folder, '..')]) {
        const { mode, uid } = await stat(place)
        t.same([mode & 0o777, uid], [0o711, 0])
      }
      return folder
    })
    await t.rejects(access(path), { code: 'ENOENT' })
  },
)
