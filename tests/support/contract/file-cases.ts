import { member } from './contract-api.ts'
import type { ContractCase } from './contract-case.ts'

export const fileCases: readonly ContractCase[] = [
  {
    line: 'PUT stores a body as it is, makes the parents, and answers an absolute path',
    claudebox: 'passes',
    async check(t, { send, workspace }) {
      const name = await workspace()
      for (const [type, body] of [
        ['', 'plain'],
        ['application/json', '{"not json'],
        ['application/x-www-form-urlencoded', 'a=b&c'],
        ['text/plain', ''],
      ] as const) {
        const headers: Record<string, string> = type ? { 'content-type': type } : {}
        const path = `${name}/new/deep/file`
        const stored = await send(`PUT /files/${path}`, { headers, body })
        t.equal(stored.status, 200, type)
        t.same(stored.json, { status: 'ok', path: `/workspaces/${path}`, size: body.length }, type)
        t.match(await send(`GET /files/${path}`), { status: 200, text: body }, type)
      }
    },
  },
  {
    line: 'GET lists a folder, sorted, hidden files too, folders without a size',
    claudebox: 'passes',
    async check(t, { send, workspace }) {
      const name = await workspace()
      for (const file of ['b', 'a/inner', 'C', '.hidden']) {
        await send(`PUT /files/${name}/${file}`, { body: file })
      }
      const listed = await send(`GET /files/${name}`)
      t.equal(listed.status, 200)
      t.same(listed.json, {
        path: name,
        entries: [
          { name: '.hidden', type: 'file', size: 7 },
          { name: '.keep', type: 'file', size: 0 },
          { name: 'C', type: 'file', size: 1 },
          { name: 'a', type: 'dir' },
          { name: 'b', type: 'file', size: 1 },
        ],
      })
    },
  },
  {
    line: 'the path of a listing is as it was asked for, or /',
    claudebox: 'passes',
    async check(t, { send, workspace }) {
      const name = await workspace()
      for (const [path, asked] of [
        ['/files', '/'],
        ['/files/', '/'],
        [`/files/${name}/`, `${name}/`],
        [`/files//${name}`, `/${name}`],
        [`/files/${name}/../${name}`, `${name}/../${name}`],
      ] as const) {
        const answer = await send(`GET ${path}`)
        t.match(answer, { status: 200, json: { path: asked, entries: Array } }, path)
      }
      const { entries } = (await send('GET /files')).json as { entries: { name: string }[] }
      t.ok(entries.some(entry => entry.name === name))
    },
  },
  {
    line: 'DELETE removes a file, with a content type and no body; never a folder',
    claudebox: 'passes',
    async check(t, { send, workspace }) {
      const name = await workspace()
      await send(`PUT /files/${name}/f`, { body: 'x' })
      const headers = { 'content-type': 'application/json' }
      const deleted = await send(`DELETE /files/${name}/f`, { headers })
      t.equal(deleted.status, 200)
      t.same(deleted.json, { status: 'ok', path: `/workspaces/${name}/f` })
      const again = await send(`DELETE /files/${name}/f`)
      t.equal(again.status, 404)
      t.same(again.json, { detail: `not found: ${name}/f` })
      const folder = await send(`DELETE /files/${name}`)
      t.equal(folder.status, 400)
      t.same(folder.json, { detail: 'cannot delete directories' })
      t.match(await send(`GET /files/${name}/f`), {
        status: 404,
        json: { detail: `not found: ${name}/f` },
      })
    },
  },
  {
    line: 'a path outside of the root is 400',
    claudebox: 'passes',
    async check(t, { send }) {
      for (const path of ['/files/../etc/passwd', '/files/..', '/files/%2e%2e/etc/passwd']) {
        for (const method of ['GET', 'PUT', 'DELETE']) {
          const answer = await send(`${method} ${path}`)
          t.equal(answer.status, 400, `${method} ${path}`)
          t.same(answer.json, { detail: 'path outside root workspace' })
        }
      }
    },
  },
  {
    line: 'a folder whose name begins like the root is outside of it',
    claudebox: { defect: 'a bare prefix check' },
    async check(t, { send }) {
      for (const path of ['../workspaces-evil/x', '%2e%2e/workspaces-evil/x', '..%2fmain-evil/x']) {
        for (const method of ['GET', 'PUT', 'DELETE']) {
          const answer = await send(`${method} /files/${path}`)
          t.equal(answer.status, 400, `${method} ${path}`)
          t.same(answer.json, { detail: 'path outside root workspace' })
        }
      }
    },
  },
  {
    line: 'a path with a NUL byte is 400',
    claudebox: { defect: 'an internal error' },
    async check(t, { send }) {
      for (const method of ['GET', 'PUT', 'DELETE']) {
        t.equal((await send(`${method} /files/a%00b`)).status, 400, method)
      }
    },
  },
  {
    line: 'a file is never served as a page',
    claudebox: { defect: 'the type is guessed from the name' },
    async check(t, { send, workspace }) {
      const path = `${await workspace()}/page.html`
      await send(`PUT /files/${path}`, { body: '<script>alert(1)</script>' })
      t.match((await send(`GET /files/${path}`)).headers, {
        'content-type': 'application/octet-stream',
        'content-disposition': /^attachment/,
        'x-content-type-options': 'nosniff',
      })
    },
  },
  {
    line: 'a part of a file can be read, and an ETag saves a transfer',
    claudebox: 'passes',
    async check(t, { send, workspace }) {
      const path = `${await workspace()}/f`
      await send(`PUT /files/${path}`, { body: '0123456789' })
      const part = await send(`GET /files/${path}`, { headers: { range: 'bytes=2-4' } })
      t.match(part, { status: 206, text: '234', headers: { 'content-range': 'bytes 2-4/10' } })
      t.equal((await send(`GET /files/${path}`, { headers: { range: 'bytes=10-' } })).status, 416)
      t.match((await send(`GET /files/${path}`)).headers, { etag: /^"/, 'content-length': '10' })
    },
  },
  {
    line: 'If-None-Match answers 304, and a stale If-Match refuses a write',
    claudebox: 'ours',
    async check(t, { send, workspace }) {
      const path = `${await workspace()}/f`
      const etag = String((await send(`PUT /files/${path}`, { body: 'one' })).headers.etag)
      const read = await send(`GET /files/${path}`, { headers: { 'if-none-match': etag } })
      t.equal(read.status, 304)
      await send(`PUT /files/${path}`, { body: 'two' })
      const headers = { 'if-match': etag }
      t.equal((await send(`PUT /files/${path}`, { headers, body: 'three' })).status, 412)
      t.equal((await send(`GET /files/${path}`)).text, 'two')
    },
  },
  {
    line: 'a run and the files API see the same workspace',
    claudebox: 'passes',
    async check(t, { run, send, workspace, prompts }) {
      const name = await workspace()
      const answer = await run({ prompt: prompts.quick('SEEN'), workspace: name })
      const path = String(member(answer, 'workspace')).replace('/workspaces/', '/files/')
      t.match(await send(`GET ${path}`), { status: 200, json: { entries: [{ name: '.keep' }] } })
    },
  },
]
