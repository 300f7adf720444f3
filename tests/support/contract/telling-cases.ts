import { member } from './contract-api.ts'
import type { ContractCase } from './contract-case.ts'

/** Parses the events of a whole SSE stream. */
function eventsOf(text: string) {
  return text
    .split('\n\n')
    .map(block => Object.fromEntries(block.split('\n').map(line => line.split(/: ?(.*)/s))))
    .filter(fields => fields.id !== undefined)
    .map(({ id, data }) => ({ id: String(id), data: JSON.parse(String(data)) }))
}

/** What a server tells of itself and of its runs as they go. */
export const tellingCases: readonly ContractCase[] = [
  {
    line: 'GET /openapi.json and /docs describe the API',
    claudebox: 'passes',
    async check(t, { send }) {
      t.match(await send('GET /openapi.json'), { status: 200, json: { paths: { '/run': {} } } })
      const docs = await send('GET /docs')
      t.match(docs, { status: 200, headers: { 'content-type': /^text\/html/ } })
    },
  },
  {
    line: 'the page of /docs loads nothing from elsewhere',
    claudebox: { defect: 'its scripts and styles come from another host' },
    async check(t, { send }) {
      const docs = await send('GET /docs')
      t.equal(docs.status, 200)
      t.notMatch(docs.text, /(src|href)=["']?(https?:)?\/\//)
    },
  },
  {
    line: 'GET /run/events replays a finished run, and goes on behind Last-Event-ID',
    claudebox: 'ours',
    async check(t, { run, send, workspace, prompts }) {
      const done = await run({ prompt: prompts.quick('EVENT'), workspace: await workspace() })
      const line = `GET /run/events?runId=${member(done, 'runId')}`
      const all = await send(line)
      t.match(all, { status: 200, headers: { 'content-type': /^text\/event-stream/ } })
      const events = eventsOf(all.text)
      t.ok(events.length > 2, 'events of the whole run')
      t.match(all.text, /EVENT/)
      const [first, ...others] = events
      const later = await send(line, { headers: { 'last-event-id': first?.id ?? '' } })
      t.same(eventsOf(later.text), others)
      const unknown = await send(line, { headers: { 'last-event-id': 'unknown' } })
      t.same(eventsOf(unknown.text), events, 'an unknown one starts from the beginning')
      t.match(await send('GET /run/events?runId=0123456789abcdef'), {
        status: 404,
        json: { detail: 'run not found' },
      })
    },
  },
  {
    line: 'GET /metrics is Prometheus text',
    claudebox: 'ours',
    async check(t, { send }) {
      const answer = await send('GET /metrics')
      t.match(answer, { status: 200, headers: { 'content-type': /^text\/plain/ } })
      t.match(answer.text, /^# TYPE /m)
    },
  },
  {
    line: 'GET /usage has the counts of the tenant and of the token',
    claudebox: 'ours',
    async check(t, { send }) {
      const answer = await send('GET /usage?days=7')
      t.match(answer, { status: 200, json: { token: { name: String, today: Object } } })
      t.equal((await send('GET /usage?days=0')).status, 422)
    },
  },
]
