import { join } from 'node:path'
import t from 'tap'
import { engineLog, isStale, startCommands } from '../../../src/machine/engine-start.ts'

const commands = (init: 'systemd' | 'sysv' | 'none') =>
  startCommands(init).map(({ command }) => [command.file, ...command.args].join(' '))

t.test(
  'systemd starts the service; without it, dockerd is started directly as a last resort',
  async t => {
    t.same(commands('systemd'), ['systemctl start docker'])
    t.match(commands('sysv'), ['service docker start', /setsid dockerd/])
    t.match(commands('none'), [/setsid dockerd/])
  },
)

t.test('the engine outlives the terminal and writes a log file', async t => {
  const [direct] = startCommands('none')
  t.match(direct?.command.args[1], /setsid .*< \/dev\/null &$/)
  t.equal(direct?.command.args[2], engineLog)
})

t.test('a pid file counts only while its own program runs', async t => {
  const folder = t.testdir({
    'docker.pid': '42\n',
    empty: '',
    proc: {
      alive: { 42: { stat: '42 (dockerd) S 1 42' } },
      reused: { 42: { stat: '42 (bash) S 1 42' } },
      zombie: { 42: { stat: '42 (dockerd) Z 1 42' } },
      gone: {},
    },
  })
  const stale = (name: string, file = 'docker.pid') =>
    isStale(join(folder, file), 'dockerd', join(folder, 'proc', name))
  t.notOk(await stale('alive'))
  t.ok(await stale('reused'), 'the number went to another program')
  t.ok(await stale('zombie'), 'nothing reaped it')
  t.ok(await stale('gone'))
  t.notOk(await stale('gone', 'missing'))
  t.notOk(await stale('gone', 'empty'))
})
