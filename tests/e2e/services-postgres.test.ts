import { cp } from 'node:fs/promises'
import { join } from 'node:path'
import t from 'tap'
import { repository, temporaryFolder } from '../support/stack/checkout.ts'
import { must, run } from '../support/stack/process.ts'
import { createTestStack } from '../support/stack/test-stack.ts'

const custom = await temporaryFolder(t, 'custom')
for (const name of ['postgres.yaml', 'cache.yaml', 'postgres']) {
  await cp(join(repository, 'tests/support/services', name), join(custom, 'services', name), {
    recursive: true,
  })
}
const stack = await createTestStack(t, {
  start: false,
  settings: { EXTERNAL_SUBNET: '', PROXY_DNS: '', CUSTOM_DIR: custom },
})
const cli = (args: readonly string[]) =>
  must(join(stack.checkout, 'claude.ts'), args, { cwd: stack.workspace, env: stack.env })
await cli(['config', '--accept'])
await cli(['start', '--detach'])

/** Runs a client in the agent's network, as the agent sees it; the minimal image has none. */
async function client(...command: string[]) {
  const inspect = ['inspect', '--format', '{{.Image}}', stack.container('postgres')]
  const image = (await must('docker', inspect)).trim()
  const network = ['--network', `container:${stack.container('claude')}`]
  const env = ['--env', 'PGPASSWORD=for-the-agent']
  return run('docker', ['run', '--rm', ...network, ...env, image, ...command])
}
const psql = (sql: string) => client('psql', '-h', 'postgres', '-U', 'postgres', '-Atqc', sql)

t.test('PostgreSQL serves the agent, and refuses a wrong password', async t => {
  const made =
    await psql(`create table kept (n int); insert into kept select generate_series(1, 1000);
    select count(*), version() from kept`)
  t.match(made.stdout, /^1000\|PostgreSQL 17/, made.stderr)
  const wrong = await client(
    'psql',
    'postgresql://postgres:wrong@postgres/postgres',
    '-c',
    'select 1',
  )
  t.match(wrong.stderr, /password authentication failed/)
})

t.test('a cache serves the agent', async t => {
  await client('valkey-cli', '-h', 'cache', 'set', 'key', 'value')
  t.equal((await client('valkey-cli', '-h', 'cache', 'get', 'key')).stdout, 'value\n')
})

t.test('the database survives a stop', async t => {
  await cli(['stop'])
  await cli(['start', '--detach'])
  t.equal((await psql('select sum(n) from kept')).stdout, '500500\n')
  t.match((await stack.cli(['logs', 'postgres'])).stdout, 'ready to accept connections')
})

t.test('the audit holds with both', async t => {
  const audit = await stack.cli(['audit', '--verbose', '--probe', 'B1', 'C2', 'C3', 'N11'])
  t.equal(audit.code, 0, audit.stdout)
  t.match(audit.stdout, 'postgres:5432')
})
