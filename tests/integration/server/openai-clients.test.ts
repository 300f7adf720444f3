import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
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
      const isSide = /title|tags|follow|health/.test(name)
      const { workspace } = (await ask(`/run/result?runId=${answer.headers['x-claude-run-id']}`))
        .body
      t.equal(/side-1$/.test(workspace), isSide, `${name} in ${workspace}`)
    }
  })
}
