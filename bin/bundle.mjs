// Bundles claude.ts and build.ts into .build/bundle, commands split off so that each loads only its own code.
import { mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { build } from 'esbuild'

const home = join(import.meta.dirname, '..')
const target = join(home, '.build/bundle')
// The stamp is older than the sources' next change even when that comes while we bundle.
const next = mkdtempSync(join(home, '.build/bundle-'))
writeFileSync(join(next, 'stamp'), '')
try {
  await build({
    absWorkingDir: home,
    entryPoints: ['claude.ts', 'build.ts'],
    outdir: next,
    bundle: true,
    splitting: true,
    platform: 'node',
    target: 'node20',
    format: 'esm',
    // Optional native parts and protocol files are found beside the package, not in a bundle.
    external: ['dockerode', 'esbuild'],
    banner: {
      js: "import { createRequire as createRequireOfBundle } from 'node:module'; const require = createRequireOfBundle(import.meta.url);",
    },
    logLevel: 'warning',
  })
} catch {
  // esbuild has said on stderr what is wrong.
  rmSync(next, { recursive: true })
  process.exit(1)
}
rmSync(target, { recursive: true, force: true })
renameSync(next, target)
