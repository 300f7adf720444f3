import t from 'tap'
import { parseServerSettings } from '../../../src/serve/settings.ts'

t.test('an empty environment gives the defaults', async t => {
  t.match(parseServerSettings({ API_STRICT: '', WEBHOOK_URL: '' }), {
    SERVER_PORT: 8080,
    SERVER_ALLOWED_HOSTS: [],
    API_STRICT: false,
    RESULT_TTL_HOURS: 6,
    WEBHOOK_URL: null,
    LOG_LEVEL: 'info',
  })
})

t.test('lists are names and origins', async t => {
  const settings = parseServerSettings({
    SERVER_ALLOWED_HOSTS: 'AI.example, 10.0.0.1,[fd00::1]',
    SERVER_ALLOWED_ORIGINS: 'https://a.example,http://b.example:81',
    API_STRICT: '1',
  })
  t.same(settings.SERVER_ALLOWED_HOSTS, ['ai.example', '10.0.0.1', '[fd00::1]'])
  t.same(settings.SERVER_ALLOWED_ORIGINS, ['https://a.example', 'http://b.example:81'])
  t.equal(settings.API_STRICT, true)
})

t.test('a wrong value is named with its setting', async t => {
  for (const [name, value] of Object.entries({
    SERVER_PORT: '0',
    SERVER_ALLOWED_HOSTS: '*',
    SERVER_ALLOWED_ORIGINS: 'https://a.example/path',
    RUN_LIMIT: 'many',
    WEBHOOK_URL: 'http://a.example',
    PROXY_URL: 'socks://x',
    LOG_LEVEL: 'debug',
  })) {
    t.throws(() => parseServerSettings({ [name]: value }), { message: new RegExp(name) }, name)
  }
  t.throws(() => parseServerSettings({ WEBHOOK_URL: 'https://user:secret@a.example' }), {
    message: /^(?!.*secret)/,
  })
})

t.test('a server without tokens has no host names but those of loopback', async t => {
  t.equal(parseServerSettings({ SERVER_WITHOUT_TOKEN: '1' }).SERVER_WITHOUT_TOKEN, true)
  t.throws(
    () => parseServerSettings({ SERVER_WITHOUT_TOKEN: '1', SERVER_ALLOWED_HOSTS: 'a.example' }),
    { message: /SERVER_ALLOWED_HOSTS must be empty/ },
  )
})
