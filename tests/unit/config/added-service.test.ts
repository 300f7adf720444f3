import t from 'tap'
import { parseServiceDefinition } from '../../../src/config/added-service.ts'

const healthcheck = { test: ['CMD', 'pg_isready'] }
const least = { image: 'postgres:17', expose: [5432], healthcheck }
const parse = (more: object) => parseServiceDefinition('services/db.yaml', { ...least, ...more })

t.test('a short file gets an ordinary user and limits', async t => {
  t.match(parse({}), {
    user: '10001:10001',
    mem_limit: '512m',
    cpus: 1,
    pids_limit: 128,
    exceptions: {},
    healthcheck: { interval: '30s', retries: 3 },
  })
})

t.test('keys that open the stack are refused by name, with the reason', async t => {
  const reasons: Record<string, RegExp> = {
    ports: /a published port opens the stack/,
    network_mode: /claude-secure sets the network/,
    networks: /claude-secure sets the network/,
    privileged: /it opens the host/,
    cap_add: /weakens the hardening without a reason/,
    security_opt: /weakens the hardening without a reason/,
    devices: /opens devices of the host/,
    extra_hosts: /opens addresses outside of the stack/,
    dns: /claude-secure sets the resolver/,
    volumes_from: /files of another container/,
    env_file: /reads a file of the host/,
    container_name: /claude-secure sets the names/,
    pid: /a namespace of another container/,
    extends: /reads a file of the host/,
  }
  for (const [key, reason] of Object.entries(reasons)) {
    const found = `services/db.yaml: ${key} is refused: `
    t.throws(() => parse({ [key]: ['x'] }), { message: reason, hint: /./ }, key)
    t.throws(() => parse({ [key]: ['x'] }), { message: new RegExp(`^${found}`) }, key)
  }
})

t.test('an unknown key names the nearest one', async t => {
  t.throws(() => parse({ enviroment: {} }), {
    message: 'services/db.yaml: unknown key enviroment',
    hint: 'did you mean environment?',
  })
  t.throws(() => parse({ toString: 1 }), { message: /unknown key toString/ })
})

t.test('values are judged', async t => {
  const wrong: [object, RegExp][] = [
    [{ image: undefined }, /needs either image or build/],
    [{ build: 'db' }, /needs either image or build/],
    [{ image: undefined, build: '../db' }, /build: must be a folder beside the file/],
    [{ image: '--privileged' }, /image: must be an image/],
    [{ user: '0:0' }, /user: 0:0 is root/],
    [{ user: '00' }, /user: 00 is root/],
    [{ user: '999:0' }, /user: 999:0 is root/],
    [{ user: 'postgres' }, /user: must be numbers in quotes/],
    [{ expose: [] }, /expose/],
    [{ expose: [0] }, /expose/],
    [{ healthcheck: undefined }, /healthcheck: is missing/],
    [{ healthcheck: { test: ['NONE'] } }, /healthcheck.test/],
    [{ environment: { HTTPS_PROXY: 'x' } }, /environment.HTTPS_PROXY is refused/],
    [{ mem_limit: '-1' }, /mem_limit: must be a size/],
    [{ pids_limit: -1 }, /pids_limit/],
    [{ exceptions: { 'writable-root': '' } }, /exceptions.writable-root/],
    [{ exceptions: { 'writable-root': 'short' } }, /must be a reason/],
    [{ exceptions: { 'capability-SYS_ADMIN': 'a reason of its own' } }, /exceptions/],
    [{ command: ['a\u202eb'] }, /characters that a terminal does not show/],
  ]
  for (const [more, message] of wrong) {
    t.throws(() => parse(more), { message, hint: /./ }, JSON.stringify(more))
  }
  t.throws(() => parseServiceDefinition('services/db.yaml', 'text'), {
    message: /must be an object/,
  })
})

t.test('a stated exception is accepted with its reason', async t => {
  const exceptions = {
    'root-user': 'the image starts as root',
    'capability-SETUID': 'and leaves it',
  }
  t.match(parse({ user: '0:0', exceptions }), { user: '0:0', exceptions })
})
