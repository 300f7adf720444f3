import { realpathSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { schedulesFolder } from '../../../../src/operations/serve/schedules-folder.ts'

t.test('cron.yml is in the custom folder, beside anything', async t => {
  const folder = t.testdir({ schedules: { 'cron.yml': 'jobs: []', notes: '' }, empty: {} })
  t.same(await schedulesFolder({ CUSTOM_DIR: folder }), {
    folder: realpathSync(join(folder, 'schedules')),
    file: 'cron.yml',
  })
  await t.rejects(schedulesFolder({ CUSTOM_DIR: join(folder, 'empty') }), {
    message: /empty\/schedules\/cron\.yml does not exist/,
    hint: /docs\/schedules\.md/,
  })
})

t.test('CRON_FILE is alone in its folder: the server sees all of it', async t => {
  const folder = t.testdir({ 'jobs.yml': 'jobs: []', '.jobs.yml.swp': '', 'jobs.yml~': '' })
  const settings = { CUSTOM_DIR: '/none', CRON_FILE: join(folder, 'jobs.yml') }
  t.same(await schedulesFolder(settings), { folder: realpathSync(folder), file: 'jobs.yml' })
  writeFileSync(join(folder, '.ssh'), '')
  await t.rejects(schedulesFolder(settings), { message: /jobs\.yml also has \.ssh/, hint: /own/ })
})
