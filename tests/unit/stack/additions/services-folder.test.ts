import { mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import t, { type Test } from 'tap'
import { readServices } from '../../../../src/stack/additions/services-folder.ts'

const good = `image: postgres:17
expose: [5432]
healthcheck: { test: [CMD, pg_isready] }
`

async function additions(t: Test, files: Record<string, string>) {
  const folder = await mkdtemp(join(tmpdir(), 'claude-secure-test-services-'))
  t.teardown(() => rm(folder, { recursive: true, force: true }))
  for (const [name, text] of Object.entries(files)) {
    await mkdir(dirname(join(folder, name)), { recursive: true })
    await writeFile(join(folder, name), text)
  }
  return folder
}

t.test('each file is a service; folders beside them are for builds', async t => {
  const folder = await additions(t, {
    'services/db.yaml': good,
    'services/cache.yaml': good,
    'services/db/Dockerfile': 'FROM x',
    'services/README.md': 'text',
  })
  const found = await readServices(folder, 'all')
  t.same(
    found.map(({ name }) => name),
    ['cache', 'db'],
  )
  t.same(
    (await readServices(folder, ['db'])).map(({ name }) => name),
    ['db'],
  )
  await t.rejects(readServices(folder, ['db', 'search']), {
    message: 'SERVICES names search, which has no file',
  })
})

t.test('without a folder there is no service', async t => {
  t.same(await readServices(await additions(t, {}), 'all'), [])
})

t.test('a name of the stack cannot be taken, nor one that reads like it', async t => {
  const names = ['claude', 'worker', 'gateway', 'proxy', 'rehearsal', 'egress', 'localhost']
  for (const name of [...names, 'proxy-agent', 'gateway-services', 'worker-main', 'server']) {
    const folder = await additions(t, { [`services/${name}.yaml`]: good })
    await t.rejects(readServices(folder, 'all'), {
      message: `services/${name}.yaml: has the name of a part of the stack`,
    })
  }
  for (const name of ['Db', 'db.example.com', '-db', 'db-', '1db', 'd_b', 'x'.repeat(40)]) {
    const folder = await additions(t, { [`services/${name}.yaml`]: good })
    await t.rejects(readServices(folder, 'all'), { message: /is not a name for a service/ }, name)
  }
})

t.test('only regular files are read', async t => {
  const folder = await additions(t, { 'services/other': good })
  await symlink('other', join(folder, 'services/db.yaml'))
  await t.rejects(readServices(folder, 'all'), { message: /is not a regular file/ })
  const elsewhere = await additions(t, { 'real/db.yaml': good })
  await symlink('real', join(elsewhere, 'services'))
  await t.rejects(readServices(elsewhere, 'all'), { message: /services is not a folder/ })
  const yml = await additions(t, { 'services/db.yml': good })
  await t.rejects(readServices(yml, 'all'), {
    hint: 'rename it to end in .yaml',
    message: /not read/,
  })
})

t.test('volumes are named, and mounted outside of the system', async t => {
  const wrong: [string, RegExp][] = [
    ["volumes: ['/etc:/data']", /mounts a path of the host/],
    ["volumes: ['./data:/data']", /mounts a path of the host/],
    ["volumes: ['~/data:/data']", /mounts a path of the host/],
    ["volumes: ['data:/data:ro']", /is not NAME:\/PATH/],
    ["volumes: ['data']", /is not NAME:\/PATH/],
    ["volumes: ['$HOME:/data']", /is not NAME:\/PATH/],
    ["volumes: ['data:/etc/x']", /\/etc\/x cannot be a mount/],
    ["volumes: ['data:/data/../etc']", /cannot be a mount/],
    ["volumes: ['data:/']", /cannot be a mount/],
    ["volumes: ['data:/proc/1']", /cannot be a mount/],
    ["volumes: ['a:/data', 'b:/data/b']", /overlap/],
    ["tmpfs: { '/run': 1m }", /\/run cannot be a mount/],
    ["tmpfs: { '/x:exec': 1m }", /cannot be a mount/],
  ]
  for (const [line, message] of wrong) {
    const folder = await additions(t, { 'services/db.yaml': `${good}${line}\n` })
    await t.rejects(readServices(folder, 'all'), { message }, line)
  }
})

t.test('YAML that is not plain is refused', async t => {
  for (const text of ['a: [', `a: &x 1\nb: *x\n`, '']) {
    const folder = await additions(t, { 'services/db.yaml': text })
    await t.rejects(readServices(folder, 'all'), { message: /^services\/db\.yaml: / }, text)
  }
})
