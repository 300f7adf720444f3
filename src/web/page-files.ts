import { readFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import type { FastifyInstance } from 'fastify'
import { createNonce, pagePolicy } from './headers.ts'

/** The page and all that it loads, in memory: nothing comes from elsewhere. */
export type PageFiles = { html: string; script: string; style: string; icon: string }

/** Place of the nonce in index.html. */
const noncePlace = '{{nonce}}'

/**
 * Bundles the page's scripts with xterm.js, from the installed packages.
 *
 * @param root the checkout
 */
export async function readPage(root: string): Promise<PageFiles> {
  const folder = join(root, 'src/web/page')
  const { build } = await import('esbuild')
  const bundled = build({
    absWorkingDir: root,
    entryPoints: ['src/web/page/main.ts'],
    bundle: true,
    write: false,
    platform: 'browser',
    format: 'esm',
    target: 'es2022',
    minify: true,
    charset: 'utf8',
    legalComments: 'inline',
    logLevel: 'silent',
    tsconfig: join(folder, 'tsconfig.json'),
  })
  const packages = createRequire(join(root, 'package.json'))
  const [{ outputFiles }, html, icon, own, xterm] = await Promise.all([
    bundled,
    readFile(join(folder, 'index.html'), 'utf8'),
    readFile(join(folder, 'icon.svg'), 'utf8'),
    readFile(join(folder, 'page.css'), 'utf8'),
    readFile(packages.resolve('@xterm/xterm/css/xterm.css'), 'utf8'),
  ])
  const [script] = outputFiles
  if (!script) throw new Error('esbuild wrote nothing for the page')
  return { html, icon, script: script.text, style: `${xterm}\n${own}` }
}

/** Serves the page. It needs no token, because it holds nothing of the user's. */
export function servePage(app: FastifyInstance, { html, script, style, icon }: PageFiles) {
  const config = { withoutToken: true }
  app.get('/', { config }, async ({ headers }, reply) => {
    const nonce = createNonce()
    const policy = pagePolicy(nonce, headers.host ?? '')
    reply.header('content-security-policy', policy).type('text/html; charset=utf-8')
    return html.replaceAll(noncePlace, nonce)
  })
  const files = {
    '/page.js': { type: 'text/javascript; charset=utf-8', text: script },
    '/page.css': { type: 'text/css; charset=utf-8', text: style },
    '/icon.svg': { type: 'image/svg+xml', text: icon },
  }
  for (const [path, { type, text }] of Object.entries(files)) {
    app.get(path, { config }, async (_request, reply) => {
      reply.type(type)
      return text
    })
  }
}
