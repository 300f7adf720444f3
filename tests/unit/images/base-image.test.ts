import t from 'tap'
import { baseRecipe, bootstrapCommand } from '../../../src/images/base-image.ts'

const options = {
  suite: 'trixie',
  archive: '/scratch/base.tar',
  sources: ['deb http://mirror.test/debian trixie main'],
  configuration: '/scratch/apt.conf',
}

t.test('root bootstraps as root, another user in a user namespace', async t => {
  t.ok(bootstrapCommand({ ...options, uid: 0 }).args.includes('--mode=root'))
  t.ok(bootstrapCommand({ ...options, uid: 1000 }).args.includes('--mode=unshare'))
})

t.test("the host's apt settings are used, and left out of the image", async t => {
  const { args } = bootstrapCommand(options)
  t.ok(args.includes('--aptopt=/scratch/apt.conf'))
  t.ok(args.some(arg => /customize-hook=rm -f .*apt\.conf\.d\/99mmdebstrap/.test(arg)))
  t.same(args.slice(-3), [options.suite, options.archive, ...options.sources])
})

t.test('every service can write to /run', async t => {
  t.ok(baseRecipe.includes('--customize-hook=chmod 1777 "$1/run"'))
})
