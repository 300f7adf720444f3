import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { parseServiceDefinition } from '../../../../src/config/added-service.ts'
import { exec } from '../../../../src/process/exec.ts'
import {
  evidencePath,
  renderWhenFiltered,
  whenFiltered,
  withPrograms,
} from '../../../../src/stack/additions/when-filtered.ts'

const boot = (await readFile('/proc/sys/kernel/random/boot_id', 'utf8')).trim()
const other = boot.replace(/^./, first => (first === '0' ? '1' : '0'))

async function starts(t: Test, evidence: string) {
  const file = join(t.testdir({ filter: evidence }), 'filter')
  const script = whenFiltered.replace(evidencePath, file)
  const args = ['-c', script, 'sh', 'sh', '-c', 'cat; echo started "$1"', 'sh', 'a b']
  const { code, stdout, stderr } = await exec('/bin/sh', args, { input: 'of the caller\n' })
  if (code === 0) {
    t.equal(stdout, 'of the caller\nstarted a b\n', 'the program keeps its arguments and input')
    return true
  }
  t.match({ code, stderr }, { code: 78, stderr: /not started, because the host may accept/ })
  return false
}

t.test('a service starts by evidence of the filter alone', async t => {
  const now = Math.round(Date.now() / 1000)
  t.equal(await starts(t, `starting ${now + 60}\n`), true)
  t.equal(await starts(t, `starting ${now - 60}\n`), false)
  t.equal(await starts(t, `boot ${boot}\n`), true)
  t.equal(await starts(t, `boot ${other}\n`), false)
  t.equal(await starts(t, `boot ${other}\nask 172.20.0.1\n`), true, 'the default of the host is on')
  t.equal(await starts(t, ''), false)
})

const definition = (more: object) =>
  parseServiceDefinition('services/db.yaml', {
    image: 'postgres:17',
    expose: [5432],
    healthcheck: { test: ['CMD', 'true'] },
    ...more,
  })
const program = { entrypoint: ['/entry'], command: ['serve', '$x'] }
const commandOf = (more: object) =>
  renderWhenFiltered({ definition: definition(more), program }, '/s/filter').command

t.test('what runs is what Compose would run without the check', async t => {
  t.same(commandOf({}), ['/entry', 'serve', '$$x'])
  t.same(commandOf({ command: ['other'] }), ['/entry', 'other'])
  t.same(commandOf({ entrypoint: ['/mine'] }), ['/mine'], "not the image's command")
  t.same(commandOf({ entrypoint: ['/mine'], command: ['other'] }), ['/mine', 'other'])
  t.same(commandOf({ command: 'a "b c"' }), `'/entry' a "b c"`, 'Compose splits it')
  t.same(commandOf({ entrypoint: 'mine -x', command: ["it's"] }), `mine -x 'it'\\''s'`)
})

t.test('the program is read from the image', async t => {
  const asked: string[] = []
  const engine = {
    inspect: async (path: string) => {
      asked.push(path)
      return { Config: { Entrypoint: null, Cmd: ['serve'] } }
    },
  }
  const service = { name: 'db', image: 'made:1', definition: definition({}) }
  const [found] = await withPrograms(engine, [service])
  t.same(asked, ['/images/made:1/json'])
  t.same(found?.program, { entrypoint: [], command: ['serve'] })
})
