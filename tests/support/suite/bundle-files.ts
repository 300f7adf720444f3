import { mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { build, type Plugin } from 'esbuild'
import { processMain } from './bundle-paths.ts'

const root = join(import.meta.dirname, '../../..')
export type Bundle = { folder: string; remove: () => void }

/**
 * Bundles test files, the main module of their processes and what they import, once for all processes.
 * The tsx loader would resolve and read each module in each process, and exchange messages about it.
 */
export async function bundleFiles(files: readonly string[]): Promise<Bundle> {
  mkdirSync(join(root, '.build'), { recursive: true })
  // In the checkout, where Node.js finds the packages.
  const folder = mkdtempSync(join(root, '.build/tests-'))
  const remove = () => rmSync(folder, { recursive: true, force: true })
  try {
    await build({
      absWorkingDir: root,
      entryPoints: [processMain, ...files],
      outdir: folder,
      outbase: root,
      bundle: true,
      splitting: true,
      packages: 'external',
      platform: 'node',
      target: 'node20',
      format: 'esm',
      // A failure names the line of the source.
      sourcemap: true,
      sourcesContent: false,
      define: {
        'import.meta.dirname': 'moduleFolder',
        'import.meta.filename': 'moduleFile',
        'import.meta.url': 'moduleUrl',
      },
      plugins: [modulesKnowTheirPath, filesHaveTheirTest],
      logLevel: 'error',
    })
  } catch (error) {
    remove()
    throw error
  }
  return { folder, remove }
}

/** Gives each module of ours the `import.meta` of its source: many modules share a file of the bundle. */
const modulesKnowTheirPath: Plugin = {
  name: 'modules-know-their-path',
  setup({ onLoad }) {
    onLoad({ filter: /\.ts$/, namespace: 'file' }, ({ path }) => {
      if (path.includes('/node_modules/')) return undefined
      const text = readFileSync(path, 'utf8')
      if (!text.includes('import.meta.')) return undefined
      const names = {
        moduleFolder: dirname(path),
        moduleFile: path,
        moduleUrl: pathToFileURL(path).href,
      }
      const lines = Object.entries(names).map(
        ([name, value]) => `const ${name} = ${JSON.stringify(value)};`,
      )
      // On the first line, so that the lines keep their numbers.
      return { contents: lines.join(' ') + text, loader: 'ts' }
    })
  },
}

/** Does what tap-per-file.mjs does for modules that are not bundled. */
const filesHaveTheirTest: Plugin = {
  name: 'files-have-their-test',
  setup({ onResolve, onLoad }) {
    onResolve({ filter: /^tap$/ }, ({ importer }) =>
      importer.endsWith('.test.ts') ? { path: importer, namespace: 'file-test' } : undefined,
    )
    // The path is the importer's, which makes it one module for each file.
    onLoad({ filter: /./, namespace: 'file-test' }, () => ({
      contents: `import { fileTest } from './current-file.ts'\nexport default fileTest()`,
      resolveDir: import.meta.dirname,
    }))
  },
}
