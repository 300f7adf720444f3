import t from 'tap'
import { serverSettings } from '../../../src/config/server-settings.ts'
import { parseServerSettings } from '../../../src/serve/settings.ts'

const values = {
  SERVER_ALLOWED_HOSTS: {
    good: ['ai.example', 'AI.example, 10.0.0.1,[fd00::1]', 'a,,b'],
    bad: ['a:8080', ',', 'https://a/', '*', 'a b', '[::1]:80'],
  },
  SERVER_ALLOWED_ORIGINS: {
    good: ['https://a.example', 'https://a.example, http://b.example:81'],
    bad: ['https://a.example/', 'a.example', 'https://a.example:443', 'https://A.example'],
  },
  WEBHOOK_URL: {
    good: ['https://a.example/hook?x=1'],
    bad: ['http://a.example', 'https://user:secret@a.example', 'a.example'],
  },
} as const

for (const name of ['SERVER_ALLOWED_HOSTS', 'SERVER_ALLOWED_ORIGINS', 'WEBHOOK_URL'] as const) {
  t.test(`the host and the server take the same values of ${name}`, async t => {
    const onHost = (value: string) => serverSettings[name].safeParse(value).success
    for (const value of values[name].good) {
      t.equal(onHost(value), true, value)
      t.doesNotThrow(() => parseServerSettings({ [name]: value }), value)
    }
    for (const value of values[name].bad) {
      t.equal(onHost(value), false, value)
      t.throws(() => parseServerSettings({ [name]: value }), { message: new RegExp(name) }, value)
    }
  })
}
