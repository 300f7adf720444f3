import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { type ChatPlace, createChatJobs, mostChatJobs } from '../../../src/schedules/chat-jobs.ts'
import { openSchedules } from '../../../src/schedules/open-schedules.ts'
import { answerOf } from '../../../src/serve/control-socket.ts'
import type { ServerEvent } from '../../../src/tenants/server-log.ts'
import { callerWithoutToken } from '../../../src/tenants/tokens.ts'

const main = { name: 'main', budget: {} }

let messages = 0

/** A chat, with a message of its own each time. */
const place = (chat: number, more: Partial<ChatPlace> = {}): ChatPlace => ({
  ...{
    chat,
    user: 7,
    message: ++messages,
    job: { token: 'alice', workspace: `chat_${Math.abs(chat)}` },
  },
  ...more,
})

/** Jobs of chats at a fixed time, beside a cron.yml. Nothing fires. */
function jobsOf(
  t: Test,
  {
    folder = t.testdir({ store: {}, 'cron.yml': '' }),
    admitted = [1, -5],
    hasBot = true,
    users = [7],
  } = {},
) {
  const events: ServerEvent[] = []
  const schedules = openSchedules({
    path: join(folder, 'cron.yml'),
    storeFolder: join(folder, 'store'),
    ...{ timezone: 'UTC', hasWebhook: false, workspacesFolder: folder },
    bot: hasBot
      ? {
          sink: async () => {},
          refusalOf: ({ telegramChatId }, user) =>
            admitted.includes(Number(telegramChatId)) && users.includes(user ?? 0)
              ? null
              : 'not admitted',
        }
      : null,
    access: { tenants: () => [main], named: name => callerWithoutToken(name, main) },
    starter: { start: () => Promise.reject(new Error('no run starts here')) },
    log: event => void events.push(event),
    now: () => new Date('2026-11-30T08:00:00Z'),
  })
  const { control } = schedules
  const names = () =>
    control
      .list()
      .filter(({ held }) => held === null)
      .map(({ name }) => name)
  return { jobs: createChatJobs(control), names, folder, control, events }
}

t.test(
  'a job of a chat is added, listed, paused, resumed and removed by its short name',
  async t => {
    const { jobs, names, control } = jobsOf(t)
    t.equal(
      await jobs.every(place(1), 'day 09:00 Summarise the news of today'),
      'added summarise-the-news: next 2026-11-30 09:00:00 GMT (UTC)',
    )
    t.match(
      await jobs.every(place(1), 'day 10:00 summarise the news'),
      /^added summarise-the-news-2: /,
    )
    t.match(await jobs.every(place(1), '2h ñandú'), /^added nandu: /)
    t.match(await jobs.every(place(1), '2h 新闻'), /^added job: /)
    t.equal(
      (await jobs.schedules(place(1), '')).split('\n')[0],
      'summarise-the-news: 0 9 * * *, next 2026-11-30 09:00:00 GMT (UTC)',
    )
    t.equal(await jobs.schedules(place(1), 'pause job'), 'paused job')
    t.match(await jobs.schedules(place(1), ''), /^job: .*, paused$/m)
    t.equal(await jobs.schedules(place(1), 'resume job'), 'resumed job')
    await control.pause()
    t.match(await jobs.schedules(place(1), 'resume job'), /^resumed job, but all jobs are paused/)
    await control.resume()
    t.equal(await jobs.schedules(place(1), ' REMOVE  job '), 'removed job')
    t.notOk(names().includes('u1-job'))
  },
)

t.test('a job has what its chat has, and answers in its topic', async t => {
  const { jobs, folder } = jobsOf(t)
  const here = place(-5, { topic: 17 })
  await jobs.every({ ...here, job: { ...here.job, model: 'haiku', max_budget_usd: 2 } }, 'hour x')
  const kept = JSON.parse(readFileSync(join(folder, 'store/cron/state.json'), 'utf8'))
  t.match(kept.added, [
    {
      ...{ name: 'g5-x', schedule: '0 * * * *', instruction: 'x', token: 'alice' },
      ...{ workspace: 'chat_5', telegram_chat_id: '-5', telegram_topic_id: 17, sink: 'telegram' },
      ...{ model: 'haiku', max_budget_usd: 2 },
    },
  ])
})

t.test('a chat neither sees nor changes the jobs of another one, or of cron.yml', async t => {
  const cron =
    'jobs: [{ name: host, schedule: "0 3 * * *", instruction: x, telegram_chat_id: 1 }, { name: other, schedule: "0 3 * * *", instruction: x }]'
  const { jobs, names } = jobsOf(t, { folder: t.testdir({ store: {}, 'cron.yml': cron }) })
  await jobs.every(place(-5), 'day secret plan')
  t.match(await jobs.every(place(1), 'day secret plan'), /^added secret-plan: /)
  t.match(await jobs.schedules(place(1), ''), /^host: .*, of cron\.yml\nsecret-plan: [^\n]*$/)
  for (const action of ['remove', 'pause', 'resume', 'run'])
    for (const name of ['host', 'other', 'g5-secret-plan', '../x', '__proto__'])
      await t.rejects(jobs.schedules(place(1), `${action} ${name}`), {
        message: `this chat has added no job ${name}`,
      })
  t.same(names().sort(), ['g5-secret-plan', 'host', 'other', 'u1-secret-plan'])
})

t.test('the jobs of a chat are bounded, also in what they cost', async t => {
  const { jobs } = jobsOf(t)
  for (let count = 0; count < mostChatJobs; count++) await jobs.every(place(1), 'hour x')
  await t.rejects(jobs.every(place(1), 'hour x'), {
    message: /has 10 jobs already/,
    hint: /remove/,
  })
  t.match(await jobs.every(place(-5), 'hour x'), /^added x: /)
  await t.rejects(jobs.every(place(-5), '* * * * * * x'), { message: /at most once a minute/ })
  await t.rejects(jobs.every(place(-5), `hour ${'x'.repeat(1024 * 1024 + 1)}`), {
    message: /instruction must be at most/,
  })
})

t.test('the jobs of a chat that is no longer admitted, or without a bot, do not fire', async t => {
  const { jobs, folder, names } = jobsOf(t)
  await jobs.every(place(1), 'hour x')
  await jobs.every(place(-5), 'hour y')
  t.same(names(), ['u1-x', 'g5-y'])
  const less = jobsOf(t, { folder, admitted: [-5] })
  t.same(less.names(), ['g5-y'])
  t.match(less.control.list(), [
    { name: 'g5-y' },
    { name: 'u1-x', held: 'not admitted', next: null },
  ])
  less.control.list()
  t.same(
    less.events.filter(({ kind }) => kind === 'schedule'),
    [{ kind: 'schedule', job: 'u1-x', event: 'held', reason: 'not admitted' }],
    'which is logged once',
  )
  await t.rejects(less.control.run('u1-x'), {
    message: 'job u1-x does not fire: not admitted',
    hint: /schedule remove u1-x/,
  })
  await t.rejects(less.control.add(entry('u1-x')), { message: /a job u1-x already/ })
  t.same(jobsOf(t, { folder, hasBot: false }).names(), [])
  t.same(jobsOf(t, { folder }).names(), ['u1-x', 'g5-y'], 'they are kept')
})

t.test('the jobs of a user who may no longer write do not fire; the chat removes them', async t => {
  const { jobs, folder } = jobsOf(t)
  await jobs.every(place(-5), 'hour x')
  await jobs.every(place(-5, { user: 8 }), 'hour y')
  const less = jobsOf(t, { folder })
  t.same(less.names(), ['g5-x'])
  t.match(await less.jobs.schedules(place(-5), ''), /^y: .*, does not fire: not admitted$/m)
  t.equal(await less.jobs.schedules(place(-5), 'remove y'), 'removed y')
})

t.test('the host removes a job of any chat, and none of cron.yml', async t => {
  const cron = 'jobs: [{ name: host, schedule: "0 3 * * *", instruction: x }]'
  const { jobs, folder } = jobsOf(t, { folder: t.testdir({ store: {}, 'cron.yml': cron }) })
  await jobs.every(place(1), 'hour x')
  await jobs.every(place(-5), 'hour y')
  const { control, jobs: later } = jobsOf(t, { folder, admitted: [-5] })
  t.same(await answerOf('{"action":"remove","job":"u1-x"}', control), {
    kind: 'removed',
    job: 'u1-x',
  })
  await control.remove('g5-y')
  t.match(await answerOf('{"action":"remove","job":"host"}', control), {
    kind: 'error',
    message: 'job host was not added in a chat',
  })
  await t.rejects(control.remove('u1-x'), { message: 'there is no job u1-x' })
  t.match(await later.schedules(place(-5), ''), /^no schedules in this chat/)
  const kept = JSON.parse(readFileSync(join(folder, 'store/cron/state.json'), 'utf8'))
  t.match(kept, { added: [], origins: {}, users: {} })
})

t.test('the jobs of a group go along when it becomes a supergroup', async t => {
  const { jobs, folder } = jobsOf(t, { admitted: [-5, -1005] })
  await jobs.every(place(-5), 'hour x')
  await jobs.moved(-5, -1005)
  t.match(await jobs.schedules(place(-5), ''), /^no schedules in this chat/)
  t.match(await jobs.schedules(place(-1005), ''), /^g5-x: /)
  const again = jobsOf(t, { folder, admitted: [-1005] })
  t.equal(await again.jobs.schedules(place(-1005), 'remove g5-x'), 'removed g5-x')
})

t.test('a message that comes again adds no second job', async t => {
  const { jobs, folder } = jobsOf(t)
  const first = place(1)
  for (let count = 1; count < mostChatJobs; count++) await jobs.every(place(1), 'hour x')
  const answer = await jobs.every(first, 'day write')
  t.equal(await jobsOf(t, { folder }).jobs.every(first, 'day write'), answer)
  t.match(await jobs.schedules(place(1), 'remove write'), 'removed write')
  t.match(await jobs.every(place(1), 'day write'), answer)
  const kept = JSON.parse(readFileSync(join(folder, 'store/cron/state.json'), 'utf8'))
  t.equal(Object.keys(kept.origins).length, mostChatJobs)
})

t.test('a wrong action or a missing name is told', async t => {
  const { jobs } = jobsOf(t)
  t.match(await jobs.schedules(place(1), ''), /^no schedules in this chat\nsend \/every /)
  await t.rejects(jobs.schedules(place(1), 'remove'), { message: /name is missing/, hint: /pause/ })
  await t.rejects(jobs.schedules(place(1), 'explode x'), { message: /explode is not an action/ })
})

function entry(name: string) {
  return {
    ...{ name, schedule: '0 9 * * *', instruction: 'x', sink: 'telegram' },
    telegram_chat_id: 1,
  }
}
