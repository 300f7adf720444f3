import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { until } from '../../../src/base/async.ts'
import { openSchedules } from '../../../src/schedules/open-schedules.ts'
import {
  createJobCommands,
  createJobRefusal,
  createTelegramSink,
} from '../../../src/serve/telegram.ts'
import { openAccess } from '../../../src/tenants/tokens.ts'
import { ann, annsChat, bob, group, startBot } from './fixture.ts'

/** The bot beside the schedules of its server, as src/serve puts them together. */
async function start(t: Test, cron: string) {
  let schedules: ReturnType<typeof openSchedules> | null = null
  const s = await startBot(t, {
    yaml: `allowed_chats: [${ann.id}, ${group.id}]\nallowed_users: [${ann.id}]`,
    added: createJobCommands(() => schedules?.control ?? null),
  })
  const path = join(s.folder, 'cron.yml')
  writeFileSync(path, cron)
  mkdirSync(join(s.folder, 'store'), { recursive: true })
  const log = (event: (typeof s.events)[number]) => void s.events.push(event)
  const opened = openSchedules({
    ...{ path, log, starter: s.starter, storeFolder: join(s.folder, 'store') },
    ...{ workspacesFolder: s.folder, timezone: 'UTC', hasWebhook: false },
    access: openAccess({ folder: s.files.folder, withoutToken: false, log }),
    bot: {
      sink: createTelegramSink(s.bot().post, s.folder),
      refusalOf: createJobRefusal((...given) => s.bot().refusalOf(...given)),
    },
  })
  schedules = opened
  await opened.start()
  t.teardown(() => opened.close())
  return { ...s, schedules: opened.control }
}

t.test('a chat adds a job, whose answer comes to it, and whose run is its own', async t => {
  const s = await start(t, 'jobs: []')
  s.say('/schedules')
  t.ok(await s.answer(ann.id, /^no schedules in this chat/))
  s.say('/every day 09:00 write the **news**')
  t.ok(await s.answer(ann.id, /^added write-the-news: next .* 09:00:00 GMT \(UTC\)$/))
  s.say('/schedules run write-the-news')
  t.ok(await s.answer(ann.id, /^started write-the-news$/))
  t.ok(await s.answer(ann.id, /⏰ u4711-write-the-news\nthe news/))
  const { runs } = await s.of('main').list()
  t.match(runs, [{ surface: 'schedules:u4711-write-the-news', workspace: /chat_4711$/ }])
  s.say('/schedules remove write-the-news')
  t.ok(await s.answer(ann.id, /^removed write-the-news$/))
  s.say('/every 7m x')
  t.ok(await s.answer(ann.id, /does not divide 60\nchoose one of 1, 2, 3/))
})

t.test('a reply to a post has its context, and other chats do not see the job', async t => {
  const s = await start(
    t,
    `jobs: [{ name: nightly, schedule: "0 3 * * *", instruction: "write all is well", telegram_chat_id: ${ann.id} }]`,
  )
  // Telegram lets no bot write to someone who has not written to it.
  s.say('/start')
  t.ok(await s.answer(ann.id, /^claude bot ready$/))
  await s.schedules.run('nightly')
  t.ok(await s.answer(ann.id, /⏰ nightly\nall is well/))
  const found = s.control.messages(ann.id).find(({ text }) => /nightly/.test(text ?? ''))
  const place = join(s.folder, 'store/cron/history/workspaces')
  const kept = await until(
    () => {
      const file = readdirSync(place).map(run => join(place, run, 'telegram.json'))[0] ?? ''
      return existsSync(file) ? readFileSync(file, 'utf8') : null
    },
    { every: 20, timeout: 60_000 },
  )
  t.match(JSON.parse(kept ?? ''), {
    ...{ chat_id: ann.id, message_id: found?.message_id, message_ids: [found?.message_id] },
  })
  s.say('write why', { replyTo: found?.message_id })
  const asked = await until(
    async () => (await s.of('main').list()).runs.find(({ prompt }) => /why/.test(prompt)),
    { every: 20, timeout: 60_000 },
  )
  t.match(asked?.prompt, /nightly/)
  s.control.send({ chat: group, from: ann, text: '/schedules' })
  t.ok(await s.answer(group.id, /^no schedules in this chat/))
})

t.test(
  'the jobs of a chat or a user whom telegram.yml lets go are held, and the host removes them',
  async t => {
    const s = await start(t, 'jobs: []')
    s.say('/every day 09:00 write one')
    t.ok(await s.answer(ann.id, /^added write-one: /))
    const held = async (yaml: string, pattern: RegExp) => {
      const look = (wanted: RegExp) => () =>
        s.schedules.list().find(job => wanted.test(job.held ?? 'fires')) ?? null
      s.writeYaml(all)
      await until(look(/^fires$/), { every: 20, timeout: 60_000 })
      s.writeYaml(yaml)
      return until(look(pattern), { every: 20, timeout: 60_000 })
    }
    const all = `allowed_chats: [${ann.id}]\n`
    for (const entry of ['workspace: app', 'tenant: other', 'token: alice'])
      t.ok(
        await held(`${all}chats: { ${ann.id}: { ${entry} } }`, /has another|does not exist/),
        entry,
      )
    t.ok(await held(`${all}allowed_users: [${bob.id}]`, /not let user 4711 write in chat 4711/))
    t.ok(
      await held(`allowed_chats: [${ann.id}]\nallowed_users: []`, /lets no one write in chat 4711/),
    )
    t.ok(await held(`allowed_chats: [${group.id}]`, /no chat 4711 in allowed_chats/))
    t.match(s.events.filter(({ kind }) => kind === 'schedule').at(-1), { event: 'held' })
    await t.rejects(s.schedules.run('u4711-write-one'), { message: /does not fire: telegram\.yml/ })
    await s.schedules.remove('u4711-write-one')
    t.same(s.schedules.list(), [])
    t.same((await s.of('main').list()).runs, [])
  },
)

t.test('without schedules, the commands say how to have them', async t => {
  const s = await startBot(t, { added: createJobCommands(() => null) })
  s.control.send({ chat: annsChat, from: ann, text: '/every hour x' })
  t.ok(await s.answer(ann.id, /^this server has no schedules\nrun serve up --telegram --schedules/))
})
