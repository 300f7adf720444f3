import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'

/** A program of an image: entry in the checkout, name in the image. */
type Program = { entry: string; out: string }

export const gatewayPrograms: readonly Program[] = [
  { entry: 'src/gateway/main.ts', out: 'gateway.js' },
  { entry: 'src/gateway/rehearsal/main.ts', out: 'rehearsal.js' },
]

export const serverPrograms: readonly Program[] = [
  { entry: 'src/serve/main.ts', out: 'server.js' },
  { entry: 'src/serve/schema-worker.ts', out: 'schema-worker.js' },
  { entry: 'src/serve/control.ts', out: 'control.js' },
  { entry: 'src/ingress/main.ts', out: 'ingress.js' },
]

export const claudePrograms: readonly Program[] = [
  { entry: 'src/runner/main.ts', out: 'runner.js' },
  { entry: 'src/runner/seed.ts', out: 'seed.js' },
  { entry: 'src/git-front/main.ts', out: 'git-front.js' },
]

export type BundledFile = { name: string; text: string }

/** Defines `require`, which an ES module lacks, for dependencies in CommonJS. */
const banner =
  "import { createRequire as __createRequire } from 'node:module'; const require = __createRequire(import.meta.url);"

/**
 * Bundles each program into one file that needs no node_modules. The same sources give the same
 * bytes, regardless of the checkout's path.
 */
export async function bundlePrograms(
  root: string,
  programs: readonly Program[],
): Promise<BundledFile[]> {
  const { build } = await import('esbuild')
  return Promise.all(
    programs.map(async ({ entry, out }) => {
      const result = await build({
        absWorkingDir: root,
        entryPoints: [entry],
        bundle: true,
        write: false,
        platform: 'node',
        format: 'esm',
        target: 'node24',
        banner: { js: banner },
        legalComments: 'none',
        logLevel: 'silent',
        tsconfig: join(root, 'tsconfig.json'),
        // The bundle has the paths of its sources: those of linked packages would lead out of the checkout.
        preserveSymlinks: true,
        // grammY brings a client of its own, which knows no proxy, and which the server does not use.
        alias: { 'node-fetch': 'undici' },
      })
      const [file] = result.outputFiles
      if (!file) throw new Error(`esbuild wrote nothing for ${entry}`)
      return { name: out, text: file.text }
    }),
  )
}

export async function writeBundle(files: readonly BundledFile[], folder: string): Promise<void> {
  await mkdir(folder, { recursive: true })
  await Promise.all(files.map(({ name, text }) => writeFile(join(folder, name), text)))
}
