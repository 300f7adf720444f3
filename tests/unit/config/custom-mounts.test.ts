import { homedir } from 'node:os'
import t from 'tap'
import { parseCustomMounts } from '../../../src/config/custom-mounts.ts'

const parse = (value: string) => parseCustomMounts({ DATA: value })[0]

t.test('src alone, with a place, and with a mode', async t => {
  t.same(parse('/data/set'), {
    name: 'CLAUDE_MOUNT_DATA',
    source: '/data/set',
    target: '/data/set',
    writable: true,
  })
  t.match(parse('/data/set/:/mnt/set'), { source: '/data/set', target: '/mnt/set', writable: true })
  t.match(parse('/data//set:/mnt/set:ro'), { source: '/data/set', writable: false })
  t.match(parse('/data:/mnt/set:rw'), { writable: true })
  t.match(parse('~/set:/mnt/set'), { source: `${homedir()}/set` })
})

for (const value of [
  ...['data', 'data:/mnt/x', '/data:mnt', '/data:ro', '/data:/mnt/x:rox', '/data:/mnt/x:ro:z'],
  ...['/data/../etc:/mnt/x', '/data:/mnt/../etc', '/da\x1bta:/mnt/x', '', ':', '/data::ro'],
]) {
  t.test(`"${value}" is not of the form`, async t => {
    t.throws(() => parse(value), { message: /^CLAUDE_MOUNT_DATA=.* is not of the form/ })
  })
}

for (const target of [
  ...[
    '/',
    '/etc',
    '/etc/passwd',
    '/usr/local/bin',
    '/home',
    '/home/claude',
    '/home/claude/.claude',
  ],
  ...['/run', '/proc', '/tmp', '/var', '/var/lib', '/opt', '/opt/claude-secure', '/workspace'],
  ...['/workspace/.git', '/workspace.git/hooks', '/workspaces/a', '/bin', '/root/x'],
]) {
  t.test(`${target} is reserved`, async t => {
    t.throws(() => parse(`/data:${target}`), { message: /cannot be mounted at .*is reserved/ })
  })
}

t.test('two mounts do not overlap', async t => {
  t.throws(() => parseCustomMounts({ A: '/a:/mnt/x', B: '/b:/mnt/x/y' }), {
    message: /CLAUDE_MOUNT_B and CLAUDE_MOUNT_A overlap at \/mnt\/x\/y/,
  })
  t.equal(parseCustomMounts({ A: '/a:/mnt/x', B: '/b:/mnt/xy' }).length, 2)
})
