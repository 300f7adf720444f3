import t from 'tap'
import { UserError } from '../../../../src/base/errors.ts'
import { changedServices, parseHashes } from '../../../../src/operations/serve/changed-services.ts'
import { portInUse } from '../../../../src/operations/serve/up.ts'

t.test('a port of another program is named with the setting', async t => {
  const bind = { address: '127.0.0.1', port: 8080, withoutToken: false }
  const failed = new UserError('docker compose up failed: Bind: port is already allocated', {
    hint: '',
  })
  t.match(portInUse(failed, { bind }), { message: 'SERVER_PORT=8080 is in use on 127.0.0.1' })
  t.equal(portInUse(new Error('no space left on device'), { bind }), null)
})

t.test('hashes are read line by line', async t => {
  const [a, b] = ['a'.repeat(64), 'b'.repeat(64)]
  t.same(
    [...parseHashes(`proxy ${a}\nserver ${b}\nwarning\n`)],
    [
      ['proxy', a],
      ['server', b],
    ],
  )
})

t.test('a service changed if its container is missing, different or no longer wanted', async t => {
  const hash = (letter: string) => letter.repeat(64)
  const lines = [`same ${hash('a')}`, `other ${hash('b')}`, `new ${hash('c')}`].join('\\n')
  const folder = t.testdir({ docker: `#!/bin/sh\nprintf '${lines}\\n'\n` })
  const { chmod } = await import('node:fs/promises')
  await chmod(`${folder}/docker`, 0o755)
  const container = (name: string, letter: string) => ({
    Labels: {
      'com.docker.compose.service': name,
      'com.docker.compose.config-hash': hash(letter),
    },
  })
  const containers = [container('same', 'a'), container('other', 'x'), container('gone', 'd')]
  const engine = { containers: async () => containers } as never
  const docker = { kind: 'docker', file: `${folder}/docker`, composeFile: null, env: {} } as never
  const project = { name: 's', root: folder, override: '/o', variables: {}, profiles: [] }
  t.same(await changedServices({ engine, docker }, project, ['same', 'other', 'new']), [
    'gone',
    'new',
    'other',
  ])
})
