import t from 'tap'
import { Agent } from 'undici'
import { until } from '../../../src/base/async.ts'
import { createBotApi } from '../../../src/telegram/bot-api/bot-api.ts'
import { openInbox } from '../../../src/telegram/updates/inbox.ts'
import { pollUpdates } from '../../../src/telegram/updates/poll.ts'
import { createMemoryRecords } from '../../../src/tenants/store/records.ts'
import { person } from '../../support/telegram/bot-objects.ts'
import { startTelegram } from '../../support/telegram/stand-in.ts'
import { botToken } from '../../support/telegram/token.ts'

t.test('a long poll that hangs is given up, and its updates come with the next one', async t => {
  const telegram = await startTelegram()
  t.teardown(telegram.close)
  const dispatcher = new Agent()
  t.teardown(() => dispatcher.destroy())
  const { control, url } = telegram
  const inbox = openInbox(createMemoryRecords())
  const stop = new AbortController()
  const logged: string[] = []
  control.fail({ method: 'getUpdates', kind: 'hang' })
  const polling = pollUpdates({
    ...{ inbox, signal: stop.signal, onKept: () => {}, pauses: [10], silence: 500 },
    api: createBotApi({ token: botToken, dispatcher, root: url }),
    log: event => void logged.push(JSON.stringify(event)),
  })
  t.teardown(() => polling)
  t.teardown(() => stop.abort())
  const polls = () => control.calls({ method: 'getUpdates' }).length
  const patience = { every: 20, timeout: 60_000 }
  await until(() => polls() > 0 || null, patience)
  const { user, chat } = person(1, 'Ann')
  const { update_id } = control.send({ chat, from: user, text: 'hello' })
  await until(() => control.updates().confirmed === update_id || null, patience)
  t.match(inbox.waiting(), [{ id: update_id, chat: 1 }])
  t.match(logged, [/no updates of Telegram: no answer in time/, /"event":"polling"/])
})
