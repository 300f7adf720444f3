import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { until } from '../../../src/base/async.ts'
import { startRunning } from './running.ts'

/** Requests as each client sends them with the settings of docs/openai.md: names of their files. */
const recorded = join(import.meta.dirname, '../../fixtures/openai-clients')

type Sent = { path: string; headers?: Record<string, string>; body?: object }

const requests = (client: string): Record<string, Sent> =>
  JSON.parse(readFileSync(join(recorded, `${client}.json`), 'utf8'))

for (const client of ['open-webui', 'librechat', 'litellm']) {
  t.test(`${client}: every request of its own is answered`, async t => {
    const { ask } = await startRunning(t)
    for (const [name, { path, headers = {}, body }] of Object.entries(requests(client))) {
      const answer = await ask(path, { headers, ...(body && { method: 'POST', body }) })
      t.equal(answer.status, 200, `${name}: ${answer.text.slice(0, 300)}`)
      if (!body) {
        t.match(answer.body, { object: 'list', data: [{ id: 'haiku', object: 'model' }] })
        continue
      }
      const isStream = 'stream' in body && body.stream === true
      if (isStream) {
        t.match(answer.text, /"delta":\{"role":"assistant"/, name)
        t.match(answer.text, /"finish_reason":"stop"/, name)
        t.match(answer.text, /data: \[DONE\]\n\n$/, name)
        continue
      }
      t.match(
        answer.body,
        { object: 'chat.completion', choices: [{ finish_reason: 'stop' }] },
        name,
      )
      const isSide = /^(title|tags|follow-ups|health|side:)/.test(name)
      const { workspace } = (await ask(`/run/result?runId=${answer.headers['x-claude-run-id']}`))
        .body
      t.equal(/side-1$/.test(workspace), isSide, `${name} in ${workspace}`)
    }
  })
}

t.test('a chat of Open WebUI costs one agent run, beside its own small calls', async t => {
  const { ask, events, folder } = await startRunning(t)
  const { chat, title, tags, 'follow-ups': followUps } = requests('open-webui')
  const gate = join(folder, 'gate')
  const headers = chat?.headers ?? {}
  const say = (content: string) =>
    ask(chat?.path ?? '', {
      method: 'POST',
      headers,
      body: { ...chat?.body, messages: [{ role: 'user', content }] },
    })
  const surfaces = async () => {
    const { text } = await ask('/metrics')
    return (surface: string) => text.includes(`surface="${surface}"`)
  }
  const first = say(`when ${gate}`)
  const isStarted = async () => events.some(({ kind }) => kind === 'run-started') || null
  t.ok(await until(isStarted, { every: 20, timeout: 60_000 }))
  const beside = await Promise.all(
    [title, tags, followUps].map(sent =>
      ask(sent?.path ?? '', { method: 'POST', headers, ...(sent?.body && { body: sent.body }) }),
    ),
  )
  t.strictSame(
    beside.map(({ status }) => status),
    [200, 200, 200],
    'while the chat has its run',
  )
  // A person does not always wait for the answer.
  const second = say('write The next message')
  writeFileSync(gate, '')
  for (const answer of await Promise.all([first, second])) {
    t.equal(answer.status, 200)
    t.match(answer.text, /data: \[DONE\]\n\n$/)
  }
  const has = await surfaces()
  t.ok(has('openai') && has('openai-side'), 'they are counted apart')
  const places = events.flatMap(event => (event.kind === 'run-started' ? [event.workspace] : []))
  t.equal(places.filter(place => !/side-\d+$/.test(place)).length, 2, 'one run for each message')
  t.equal(new Set(places.filter(place => !/side-\d+$/.test(place))).size, 1)
})
