import t from 'tap'
import {
  findDebianMirror,
  mirrorFromTargets,
  parseTargets,
  renderSources,
} from '../../../src/machine/debian-mirror.ts'

const find = (lines: string[]) => mirrorFromTargets(parseTargets(lines.join('\n')), 'trixie')

t.test('the mirror of a Debian machine serves every release, and its security updates', async t => {
  const mirror = find([
    'http://mirror.test/debian-security/|bookworm-security|main|Debian',
    'http://mirror.test/debian/|bookworm|main|Debian',
    'http://mirror.test/debian/|bookworm-updates|main|Debian',
  ])
  t.same(mirror, {
    kind: 'configured',
    packages: 'http://mirror.test/debian',
    security: 'http://mirror.test/debian-security',
  })
  t.same(renderSources(mirror, 'trixie'), [
    'deb http://mirror.test/debian trixie main',
    'deb http://mirror.test/debian-security trixie-security main',
  ])
})

t.test("a repository of Ubuntu or another vendor does not count as Debian's", async t => {
  t.same(
    find([
      'https://vendor.test/linux/debian/|bookworm|stable|Docker',
      'https://pg.test/|bookworm|main|apt.postgresql.org',
      'http://archive.test/ubuntu/|noble|main|Ubuntu',
    ]),
    { kind: 'default' },
  )
  t.same(renderSources({ kind: 'default' }, 'trixie'), [], 'mmdebstrap knows its own')
})

t.test('a mirror with a password is never written into an image', async t => {
  t.same(find(['https://me:secret@mirror.test/debian/|trixie|main|Debian']), { kind: 'default' })
  await t.rejects(
    findDebianMirror({ suite: 'trixie', mirror: 'https://me:secret@mirror.test/debian' }),
    {
      message: /user name or password/,
    },
  )
})

t.test('DEBIAN_MIRROR is used unchanged', async t => {
  t.same(await findDebianMirror({ suite: 'trixie', mirror: 'https://mirror.test/debian/' }), {
    kind: 'configured',
    packages: 'https://mirror.test/debian',
    security: 'https://mirror.test/debian-security',
  })
})
