import t from 'tap'
import { backgroundEnvironment } from '../../../src/config/background-environment.ts'
import { secretSettings } from '../../../src/config/secret-settings.ts'

t.test('a process in the background has no key and no password in its environment', async t => {
  const secrets = [...secretSettings, 'PARENT_PROXY'].map(name => [name, 'NOTTOBESHOWN'])
  const kept = { PATH: '/bin', DOCKER_HOST: 'unix:///run/docker.sock' }
  t.strictSame(backgroundEnvironment({ ...kept, ...Object.fromEntries(secrets) }), kept)
})
