import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { build } from 'esbuild'
import { fetchPackage } from '../../../src/images/npm-fetch.ts'
import { testCache } from '../suite/other-node.ts'

const repository = join(import.meta.dirname, '../../..')

/** What the suite needs for its reports about SDKs, and not for its scenarios. */
const unused = /^@octokit\/rest$/

/**
 * Makes one program of the conformance suite of MCP in a folder, and returns its path. The user's npm fetches the
 * suite once; what it imports are the packages of our own lock file.
 */
export async function conformanceSuite(folder: string): Promise<string> {
  const pin = JSON.parse(
    await readFile(join(repository, 'tests/support/mcp/conformance-pin.json'), 'utf8'),
  )
  const suite = await fetchPackage(pin, {
    cache: testCache(),
    selection: { only: ['dist/index.js'] },
  })
  const outfile = join(folder, 'conformance.mjs')
  await build({
    entryPoints: [join(suite, 'dist/index.js')],
    outfile,
    bundle: true,
    platform: 'node',
    format: 'esm',
    target: 'node22',
    logLevel: 'silent',
    nodePaths: [join(repository, 'node_modules')],
    banner: {
      js: "import { createRequire as __suiteRequire } from 'node:module'; const require = __suiteRequire(import.meta.url);",
    },
    plugins: [
      {
        name: 'without-reports',
        setup({ onResolve, onLoad }) {
          onResolve({ filter: unused }, ({ path }) => ({ path, namespace: 'unused' }))
          onLoad({ filter: /.*/, namespace: 'unused' }, () => ({
            contents: 'export class Octokit {}',
          }))
        },
      },
    ],
  })
  return outfile
}
