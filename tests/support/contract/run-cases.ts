import { member } from './contract-api.ts'
import type { ContractCase } from './contract-case.ts'

export const runCases: readonly ContractCase[] = [
  {
    line: 'POST /run answers with Claude’s result in camelCase, runId and the absolute workspace',
    claudebox: 'passes',
    async check(t, { run, workspace, prompts }) {
      const name = await workspace()
      const answer = await run({ prompt: prompts.quick('PONG'), workspace: name })
      t.match(answer, { status: 200, headers: { 'content-type': /^application\/json/ } })
      t.match(answer.json, {
        type: 'result',
        subtype: 'success',
        isError: false,
        result: /PONG/,
        sessionId: /^[0-9a-f-]{36}$/,
        totalCostUsd: Number,
        modelUsage: {},
        permissionDenials: [],
        runId: /^[0-9a-f]{16}$/,
        workspace: `/workspaces/${name}`,
      })
      const own = Object.keys(answer.json as object)
      t.same(
        own.filter(key => key.includes('_')),
        [],
        'no key of the result is in snake_case',
      )
    },
  },
  {
    line: 'a workspace has several spellings, all of one folder',
    claudebox: 'passes',
    async check(t, { run, workspace, prompts }) {
      const name = await workspace()
      for (const spelling of [`/${name}`, `${name}/`, `./${name}`, `x/../${name}`]) {
        const answer = await run({ prompt: prompts.quick('HERE'), workspace: spelling })
        t.match(answer, { status: 200, json: { workspace: `/workspaces/${name}` } }, spelling)
      }
    },
  },
  {
    line: 'a workspace that does not exist is 400, and is not made',
    claudebox: 'passes',
    async check(t, { run, send, prompts }) {
      const answer = await run({ prompt: prompts.quick('X'), workspace: 'contract-absent' })
      t.match(answer, { status: 400, json: { detail: /^workspace not found: / } })
      t.equal((await send('GET /files/contract-absent')).status, 404)
      const file = await run({ prompt: prompts.quick('X'), workspace: '/etc/passwd' })
      t.match(file, { status: 400 }, 'an absolute path is one below the root')
    },
  },
  {
    line: 'a workspace outside of the root is 400',
    claudebox: 'passes',
    async check(t, { run, prompts }) {
      for (const workspace of ['..', '../../etc', 'a/../../tmp']) {
        const answer = await run({ prompt: prompts.quick('X'), workspace })
        t.equal(answer.status, 400, workspace)
        t.same(answer.json, { detail: 'path outside root workspace' }, workspace)
      }
    },
  },
  {
    line: 'a folder whose name begins like the root is outside of it',
    claudebox: { defect: 'a bare prefix check' },
    async check(t, { run, prompts }) {
      const answer = await run({ prompt: prompts.quick('X'), workspace: '../workspaces-evil' })
      t.equal(answer.status, 400)
      t.same(answer.json, { detail: 'path outside root workspace' })
    },
  },
  {
    line: 'a body without a prompt is 422 with the place of the problem',
    claudebox: 'passes',
    async check(t, { run, send }) {
      const missing = await run({ workspace: 'x' })
      t.equal(missing.status, 422)
      t.match(member(missing, 'detail'), [
        { type: 'missing', loc: ['body', 'prompt'], msg: 'Field required' },
      ])
      const headers = { 'content-type': 'application/json' }
      for (const body of ['', '{"prompt":', '[]', '"text"', 'null']) {
        const answer = await send('POST /run', { headers, body })
        t.equal(answer.status, 422, body)
        t.match(member(answer, 'detail'), [{ type: String, loc: Array, msg: String }], body)
      }
    },
  },
  {
    line: 'keys come in camelCase and snake_case; null and "" are absent; unknown ones are ignored',
    claudebox: 'passes',
    async check(t, { run, workspace, prompts }) {
      const answer = await run({
        prompt: prompts.quick('SNAKE'),
        workspace: await workspace(),
        ...{ no_continue: true, append_system_prompt: 'Be short.', output_format: 'json-verbose' },
        ...{ model: null, effort: '', resume: null, jsonSchema: null, temperature: 1 },
      })
      t.match(answer, { status: 200, json: { result: /SNAKE/, turns: Array, system: Object } })
    },
  },
  {
    line: 'outputFormat json-verbose adds turns and system; another value reads as json',
    claudebox: 'passes',
    async check(t, { run, workspace, prompts }) {
      const name = await workspace()
      const prompt = prompts.quick('FORM')
      const verbose = await run({ prompt, workspace: name, outputFormat: 'json-verbose' })
      t.match(verbose.json, { turns: Array, system: Object, result: /FORM/ })
      const other = await run({ prompt, workspace: name, outputFormat: 'yaml' })
      t.match(other, { status: 200, json: { result: /FORM/ } })
      t.equal(member(other, 'turns'), undefined)
    },
  },
  {
    line: 'a prompt that looks like an option is a prompt',
    claudebox: { defect: 'the prompt is an argument: --settings runs commands' },
    async check(t, { run, workspace, prompts }) {
      const name = await workspace()
      for (const before of ['--version', '--settings={"hooks":{}}', '-p', '- a list', '--']) {
        const answer = await run({ prompt: prompts.quick('ASKED', before), workspace: name })
        t.match(answer, { status: 200, json: { isError: false, result: /ASKED/ } }, before)
      }
    },
  },
  {
    line: 'the keys of the user’s own data are not respelt',
    claudebox: { defect: 'camelCasing rewrites user data' },
    async check(t, { run, workspace, prompts }) {
      if (!prompts.structured) return void t.comment('the target cannot')
      const answer = await run({
        prompt: prompts.structured({ snake_key: { inner_key: 1 } }),
        workspace: await workspace(),
        jsonSchema: JSON.stringify({
          type: 'object',
          properties: { snake_key: { type: 'object' } },
          required: ['snake_key'],
        }),
      })
      t.match(answer, { status: 200, json: { isError: false } })
      t.same(member(answer, 'structuredOutput'), { snake_key: { inner_key: 1 } })
    },
  },
  {
    line: 'a failure of the model is 200 with isError, and its status with Prefer: status=strict',
    claudebox: { defect: 'API errors come back as HTTP 200 without their status' },
    async check(t, { run, workspace, prompts }) {
      if (!prompts.failing) return void t.comment('the target cannot')
      const body = { prompt: prompts.failing(400), workspace: await workspace() }
      const answer = await run(body)
      t.match(answer, { status: 200, json: { isError: true, apiErrorStatus: 400 } })
      const strict = await run(body, { headers: { prefer: 'status=strict' } })
      t.match(strict, { status: 502, json: { detail: String, apiErrorStatus: 400 } })
    },
  },
]
