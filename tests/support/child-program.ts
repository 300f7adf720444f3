import { chmod, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { build } from 'esbuild'
import type { Test } from 'tap'
import { repository, temporaryFolder } from './stack/checkout.ts'

/**
 * Bundles the source of a child process and returns its path: without tsx a child starts in a tenth of the
 * time. The file is readable for every user.
 */
export async function childProgram(t: Test, source: string): Promise<string> {
  const folder = await temporaryFolder(t, 'program')
  await chmod(folder, 0o755)
  const { outputFiles } = await build({
    stdin: { contents: source, resolveDir: repository, loader: 'ts' },
    write: false,
    bundle: true,
    platform: 'node',
    format: 'esm',
    target: 'node20',
    // Test files import it, but only outside the child.
    external: ['tap'],
    banner: {
      js: "import { createRequire as r } from 'node:module'; const require = r(import.meta.url);",
    },
    logLevel: 'error',
  })
  const path = join(folder, 'program.mjs')
  await writeFile(path, outputFiles[0]?.contents ?? '')
  return path
}
