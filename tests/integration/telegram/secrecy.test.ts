import { readdirSync, readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { until } from '../../../src/base/async.ts'
import { botToken } from '../../support/telegram/token.ts'
import { ann, annsChat, startBot } from './fixture.ts'

const secret = botToken.split(':')[1] ?? ''
const patience = { every: 20, timeout: 120_000 }
const description = 'Internal Server Error'

t.test(
  'the token of the bot is in no log, message, record or file, however Telegram fails',
  async t => {
    const s = await startBot(t)
    const { control } = s
    const answered = async (text: string) => {
      const before = s.texts(ann.id).length
      s.say(text)
      await until(() => s.texts(ann.id).length > before || null, patience)
    }
    await answered('/config')
    const failures = [
      { kind: 'error', code: 500, description },
      { kind: 'error', code: 401, description: 'Unauthorized' },
      { kind: 'error', code: 404, description: 'Not Found' },
      { kind: 'error', code: 409, description: 'Conflict: terminated by other getUpdates request' },
      {
        kind: 'error',
        code: 429,
        description: 'Too Many Requests',
        parameters: { retry_after: 0 },
      },
      { kind: 'html', code: 502 },
      { kind: 'cut' },
      { kind: 'lost' },
    ] as const
    for (const failure of failures) {
      control.fail({ method: 'getUpdates', ...failure })
      await answered('/start')
    }
    for (const failure of failures) {
      control.fail({ method: 'sendMessage', ...failure })
      s.say('/start')
      await answered('/start')
    }
    for (const method of ['getFile', 'file']) {
      for (const failure of failures) {
        control.fail({ method, ...failure })
        const file = { kind: 'document' as const, name: 'a.txt', base64: 'YQ==' }
        const before = s.texts(ann.id).length
        control.send({ chat: annsChat, from: ann, file })
        await until(() => s.texts(ann.id).length > before || null, patience)
      }
    }
    await answered('write a [SEND_FILE: a.txt]')
    const kept = ['update', 'job', 'album', 'state', 'post', 'question', 'grant', 'session'].map(
      kind => s.records.list(kind),
    )
    const files = readdirSync(s.folder, { recursive: true, encoding: 'utf8' })
      .map(name => join(s.folder, name))
      .filter(path => statSync(path, { throwIfNoEntry: false })?.isFile())
      .map(path => readFileSync(path, 'latin1'))
    const seen = JSON.stringify([s.events, kept, files, control.messages(ann.id), control.calls()])
    t.match(seen, 'no updates of Telegram: 500', 'failures are logged')
    t.notOk(seen.includes(secret))
    t.notOk(seen.includes(encodeURIComponent(secret)))
  },
)
