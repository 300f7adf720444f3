import t from 'tap'
import { parseOsRelease, readOsRelease } from '../../../src/machine/os-release.ts'

t.test('Debian and Ubuntu are told by their own files', async t => {
  const debian = parseOsRelease(`PRETTY_NAME="Debian GNU/Linux 12 (bookworm)"
NAME="Debian GNU/Linux"
VERSION_ID="12"
VERSION_CODENAME=bookworm
ID=debian
`)
  t.same(debian, {
    id: 'debian',
    versionId: '12',
    codename: 'bookworm',
    name: 'Debian GNU/Linux 12 (bookworm)',
  })
  const ubuntu = parseOsRelease(`PRETTY_NAME="Ubuntu 24.04.3 LTS"
VERSION_ID="24.04"
VERSION_CODENAME=noble
ID=ubuntu
ID_LIKE=debian
`)
  t.match(ubuntu, { id: 'ubuntu', versionId: '24.04', codename: 'noble' })
})

t.test('a system without the file is an unknown one', async t => {
  t.match(await readOsRelease('/nonexistent'), { id: '', name: 'an unknown system' })
})
