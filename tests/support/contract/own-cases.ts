import { member } from './contract-api.ts'
import type { ContractCase } from './contract-case.ts'

/** What claudebox does not have. */
export const ownCases: readonly ContractCase[] = [
  {
    line: 'unknown keys are named in X-Ignored-Fields',
    claudebox: 'ours',
    async check(t, { run, workspace, prompts }) {
      const body = { prompt: prompts.quick('X'), workspace: await workspace(), temperature: 1 }
      const answer = await run({ ...body, 'a\r\nb': 1 })
      t.equal(answer.status, 200)
      t.equal(answer.headers['x-ignored-fields'], 'temperature,a%0D%0Ab')
    },
  },
  {
    line: 'a request with the same Idempotency-Key is one run; another body is 422',
    claudebox: 'ours',
    async check(t, { run, workspace, prompts }) {
      const body = { prompt: prompts.quick('ONCE'), workspace: await workspace() }
      const headers = { 'idempotency-key': body.workspace }
      const first = await run(body, { headers })
      const again = await run(body, { headers })
      t.match(again, { status: 200, json: { result: /ONCE/ } })
      t.equal(member(again, 'runId'), member(first, 'runId'))
      t.equal((await run({ ...body, prompt: 'other' }, { headers })).status, 422)
    },
  },
  {
    line: 'bounds: timeoutSeconds 1 to 86400, maxBudgetUsd above 0 and at most a million',
    claudebox: 'ours',
    async check(t, { run, workspace, prompts }) {
      const body = { prompt: prompts.quick('X'), workspace: await workspace() }
      for (const more of [
        ...[{ timeoutSeconds: 0 }, { timeoutSeconds: 86_401 }, { timeoutSeconds: 'soon' }],
        ...[{ maxBudgetUsd: 0 }, { maxBudgetUsd: -1 }, { maxBudgetUsd: 1_000_001 }],
      ]) {
        const answer = await run({ ...body, ...more })
        const [name = ''] = Object.keys(more)
        t.match(answer, { status: 422, json: { detail: [{ loc: ['body', name] }] } }, name)
      }
      const good = await run({ ...body, timeoutSeconds: 60, maxBudgetUsd: 1_000_000 })
      t.equal(good.status, 200)
    },
  },
  {
    line: 'POST /run/answer and /run/message know no other run',
    claudebox: 'ours',
    async check(t, { send, run, workspace, prompts }) {
      for (const path of ['/run/answer', '/run/message']) {
        t.match(await send(`POST ${path}?runId=0123456789abcdef`, { body: { message: 'x' } }), {
          status: 404,
          json: { detail: 'run not found' },
        })
        t.equal((await send(`POST ${path}`, { body: {} })).status, 422)
      }
      const done = await run({ prompt: prompts.quick('X'), workspace: await workspace() })
      const runId = String(member(done, 'runId'))
      const answer = await send(`POST /run/answer?runId=${runId}`, {
        body: { answers: { a: 'b' } },
      })
      t.equal(answer.status, 409, 'a run that does not wait')
    },
  },
  {
    line: 'a run that asks is waiting until POST /run/answer, and goes on with the answer',
    claudebox: 'ours',
    async check(t, { run, send, until, workspace, prompts }) {
      if (!prompts.asking) return void t.comment('the target cannot')
      const options = [
        { label: 'PLUM', description: 'p' },
        { label: 'PEAR', description: 'q' },
      ]
      const asked = { question: 'Which fruit?', header: 'Fruit', multiSelect: false, options }
      const prompt = prompts.asking([asked])
      const body = { prompt, workspace: await workspace(), async: true, asks: true }
      const runId = String(member(await run(body), 'runId'))
      const result = () => send(`GET /run/result?runId=${runId}`)
      const waiting = await until(result, ({ text }) => text.includes('"waiting"'))
      t.match(waiting.json, { question: { questions: [{ question: 'Which fruit?' }] } })
      const answer = (answers: object) =>
        send(`POST /run/answer?runId=${runId}`, { body: { answers } })
      t.equal((await answer({ 'Another question?': 'PLUM' })).status, 422)
      t.match(await answer({ 'Which fruit?': 'PLUM' }), {
        status: 200,
        json: { status: 'ok', runId },
      })
      const ended = await until(result, ({ text }) => !/"(waiting|running)"/.test(text))
      t.match(ended, { status: 200, json: { isError: false, result: /PLUM/ } })
    },
  },
  {
    line: 'a run that takes longer than timeoutSeconds has failed, with Prefer: status=strict 504',
    claudebox: { defect: 'no timeouts' },
    async check(t, { run, workspace, prompts }) {
      const body = { prompt: prompts.slow, workspace: await workspace(), timeoutSeconds: 2 }
      const late = await run(body)
      t.match(late, { status: 200, json: { isError: true, status: 'failed', error: String } })
      const strict = await run(body, { headers: { prefer: 'status=strict' } })
      t.match(strict, { status: 504, json: { detail: String } })
    },
  },
]
