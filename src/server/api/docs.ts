import { createHash } from 'node:crypto'
import type { FastifyInstance } from 'fastify'
import { buildOpenApi, type OpenApi } from './openapi.ts'

const style = `
:root { color-scheme: light dark }
body { font: 16px/1.5 system-ui, sans-serif; max-width: 60rem; margin: 2rem auto; padding: 0 1rem }
code, pre { font-family: ui-monospace, monospace; font-size: .9em }
summary { cursor: pointer; padding: .4rem 0 }
b { display: inline-block; min-width: 4.5rem }
pre { overflow: auto; padding: .8rem; border: 1px solid }
table { border-collapse: collapse }
td { padding: .1rem .8rem .1rem 0; vertical-align: top }
`

/** Allows the page its own style and nothing else: it loads, runs and sends nothing. */
const policy = [
  "default-src 'none'",
  `style-src 'sha256-${createHash('sha256').update(style).digest('base64')}'`,
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
].join('; ')

/** GET /openapi.json and GET /docs, both behind the token. */
export function serveDocs(app: FastifyInstance) {
  const document = buildOpenApi()
  const page = renderDocs(document)
  app.get('/openapi.json', async () => document)
  app.get('/docs', async (_request, reply) =>
    reply.header('content-security-policy', policy).type('text/html; charset=utf-8').send(page),
  )
}

function renderDocs({ info, paths }: OpenApi): string {
  const sections = Object.entries(paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, operation]) => sectionOf(method, path, operation)),
  )
  return [
    '<!doctype html><html lang="en"><meta charset="utf-8">',
    '<meta name="viewport" content="width=device-width, initial-scale=1">',
    `<title>${escaped(info.title)}</title><style>${style}</style>`,
    `<h1>${escaped(info.title)}</h1><p>${escaped(info.description)} `,
    'Each request has the header <code>Authorization: Bearer TOKEN</code>. ',
    'The same as an OpenAPI document: <code>GET /openapi.json</code>.</p>',
    ...sections,
    '</html>\n',
  ].join('\n')
}

type Operation = {
  summary?: string
  parameters?: { name: string; in: string; required: boolean; description: string }[]
  requestBody?: { content: Record<string, { schema: unknown }> }
  responses?: Record<string, { content?: Record<string, { schema?: unknown }> }>
}

function sectionOf(method: string, path: string, operation: Operation): string {
  const { summary = '', parameters = [], requestBody, responses = {} } = operation
  const rows = parameters.map(
    ({ name, in: place, required, description }) =>
      `<tr><td><code>${escaped(name)}</code><td>${escaped(place)}${required ? ', required' : ''}<td>${escaped(description)}`,
  )
  const statuses = Object.keys(responses).join(', ')
  return [
    `<details><summary><b>${escaped(method.toUpperCase())}</b> <code>${escaped(path)}</code> ${escaped(summary)}</summary>`,
    rows.length > 0 ? `<table>${rows.join('')}</table>` : '',
    requestBody ? `<p>Body</p>${schemaOf(requestBody.content)}` : '',
    `<p>Statuses: ${escaped(statuses)}. Answer:</p>${schemaOf(responses['200']?.content ?? {})}`,
    '</details>',
  ].join('')
}

function schemaOf(content: Record<string, { schema?: unknown }>): string {
  return Object.entries(content)
    .map(
      ([type, { schema }]) =>
        `<pre>${escaped(type)}\n${escaped(JSON.stringify(schema, null, 2))}</pre>`,
    )
    .join('')
}

function escaped(text: string): string {
  return text.replace(/[&<>"']/g, character => `&#${character.charCodeAt(0)};`)
}
