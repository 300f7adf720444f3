import { readdirSync, readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { activityBytes } from '../../../src/config/schedule-history.ts'
import { openHistory } from '../../../src/schedules/history.ts'
import type { HistoryMeta } from '../../../src/schedules/history-meta.ts'
import type { Job } from '../../../src/schedules/job.ts'

const jobOf = (more: Partial<Job> = {}): Job => ({
  ...{ name: 'a', schedule: '0 9 * * *', timezone: 'UTC', workspace: 'app-1', instruction: 'x' },
  ...{ caller: { tenant: 'main' }, sink: 'none', file: null, telegramChatId: null },
  ...{ telegramTopicId: null, keptRuns: 100, request: {} },
  ...more,
})

const metaOf = (job: Job, startedAt: string): HistoryMeta => ({
  ...{ job: job.name, workspace: job.workspace ?? '', tenant: 'main', token: null, runId: null },
  ...{ sessionId: null, schedule: job.schedule, timezone: 'UTC', dueAt: null, startedAt },
  ...{ endedAt: null, status: 'running', exitCode: null, catchUp: false, costUsd: null },
  ...{ error: null, answer: '', telegramChatId: null },
  asked: {
    model: null,
    effort: null,
    instruction: 'x',
    systemPrompt: null,
    appendSystemPrompt: null,
  },
})

t.test("each run has a folder for the user alone, with claudebox's names", async t => {
  const root = join(t.testdir(), 'history')
  const history = openHistory(root)
  const job = jobOf()
  for (const _ of [1, 2]) {
    const record = await history.begin(job, metaOf(job, '2026-11-30T09:00:00.500Z'))
    await record.end({
      ...metaOf(job, '2026-11-30T09:00:00.500Z'),
      status: 'succeeded',
      exitCode: 0,
    })
    await record.note('telegram', { chat_id: 1, message_id: 2 })
  }
  const place = join(root, 'workspaces_app_1')
  t.same(readdirSync(place).sort(), ['20261130-090000-a', '20261130-090000.2-a'])
  const run = join(place, '20261130-090000-a')
  const files = ['activity.jsonl', 'meta.json', 'stderr.log', 'telegram.json']
  t.same(readdirSync(run).sort(), files)
  for (const folder of [place, run]) t.equal(statSync(folder).mode & 0o777, 0o700)
  for (const file of files) t.equal(statSync(join(run, file)).mode & 0o777, 0o600, file)
  t.match(await history.list(job), [{ status: 'succeeded', exitCode: 0, workspace: 'app-1' }, {}])
  t.same(await history.list(jobOf({ workspace: 'app_1' })), [], 'of another workspace')
})

t.test('a job keeps as many runs as it says, the newest', async t => {
  const root = t.testdir()
  const history = openHistory(root)
  const job = jobOf({ keptRuns: 2 })
  for (const hour of ['07', '08', '09']) {
    const record = await history.begin(job, metaOf(job, `2026-11-30T${hour}:00:00Z`))
    await record.end(metaOf(job, `2026-11-30T${hour}:00:00Z`))
  }
  t.same(readdirSync(join(root, 'workspaces_app_1')).sort(), [
    ...['20261130-080000-a', '20261130-090000-a'],
  ])
})

t.test('a log has a bound, and the result is beyond it', async t => {
  const history = openHistory(t.testdir())
  const job = jobOf()
  const record = await history.begin(job, metaOf(job, '2026-11-30T09:00:00Z'))
  const half = 'x'.repeat(activityBytes / 2)
  for (const _ of [1, 2, 3]) await record.activity(half)
  await record.activity('{"type":"result"}', { isLast: true })
  await record.end(metaOf(job, '2026-11-30T09:00:00Z'))
  const lines = readFileSync(join(record.folder, 'activity.jsonl'), 'utf8').trim().split('\n')
  t.same(lines.slice(1), ['{"type":"system","subtype":"truncated"}', '{"type":"result"}'])
})
