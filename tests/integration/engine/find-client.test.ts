import { chmod } from 'node:fs/promises'
import { join } from 'node:path'
import t from 'tap'
import { findClient, machineVersions, parsePluginVersion } from '../../../src/engine/find-client.ts'

t.test('plugin versions are read in the forms that plugins print', async t => {
  t.equal(parsePluginVersion('2.26.1-4\n'), '2.26.1-4')
  t.equal(parsePluginVersion('v2.24.6'), '2.24.6')
  t.equal(parsePluginVersion('github.com/docker/buildx 0.13.1+ds1 0.13.1+ds1-3\n'), '0.13.1+ds1')
  t.equal(parsePluginVersion('docker: unknown command'), null)
})

t.test('a client without plugins does not hide one that has them', async t => {
  const folder = t.testdir({
    bare: { docker: '#!/bin/sh\nexit 1\n' },
    full: { docker: '#!/bin/sh\n[ "$1" = compose ] && echo 2.30.0 || echo x/buildx v0.14.0 abc\n' },
  })
  await chmod(join(folder, 'bare/docker'), 0o755)
  await chmod(join(folder, 'full/docker'), 0o755)
  const found = await findClient({ PATH: `relative:${folder}/bare:${folder}/full:/bin` })
  t.same(found, { file: join(folder, 'full/docker'), compose: '2.30.0', buildx: '0.14.0' })
})

t.test("compose's own program is the one that docker starts, or none", async t => {
  const plugin = (version: string) => `#!/bin/sh\n[ "$*" = 'version --short' ] && echo ${version}\n`
  const folder = t.testdir({
    bin: { docker: '#!/bin/sh\n[ "$1" = compose ] && echo 2.30.0 || echo x/buildx v0.14.0 abc\n' },
    home: { '.docker': { 'cli-plugins': { 'docker-compose': plugin('2.30.0') } } },
    other: { 'cli-plugins': { 'docker-compose': plugin('2.31.0') } },
  })
  const own = join(folder, 'home/.docker/cli-plugins/docker-compose')
  const other = join(folder, 'other/cli-plugins/docker-compose')
  for (const file of [join(folder, 'bin/docker'), own, other]) await chmod(file, 0o755)
  const env = { PATH: `${folder}/bin:/bin`, HOME: join(folder, 'home') }
  t.match(await findClient(env), { compose: '2.30.0', composeFile: own })
  const elsewhere = await findClient({ ...env, DOCKER_CONFIG: join(folder, 'other') })
  t.equal(elsewhere?.composeFile, undefined, 'docker reports another version')
})

t.test("runc's revision comes from the distribution's version", async t => {
  const version = (Details: Record<string, string>) => ({
    Version: '26.1.5+dfsg1',
    ApiVersion: '1.45',
    Components: [{ Name: 'runc', Version: '1.1.5+ds1', Details }],
  })
  const runc = (details: Record<string, string>) =>
    machineVersions({ kind: 'docker', version: '26.1.5' }, null, version(details)).runc
  t.same(runc({ GitCommit: '1.1.5+ds1-1+deb12u1' }), {
    version: '1.1.5+ds1',
    revision: '1.1.5+ds1-1+deb12u1',
  })
  t.same(runc({}), { version: '1.1.5+ds1', revision: '' })
  t.same(machineVersions(null, null), {
    engine: null,
    compose: null,
    buildx: null,
    runc: null,
    containerd: null,
    desktop: null,
  })
})
