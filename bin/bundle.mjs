// Bundles claude.ts and build.ts into one CommonJS file each, and keeps V8's compiled code beside it:
// reading and compiling modules would be two thirds of the time that a short command takes.
import { spawnSync } from 'node:child_process'
import {
  chmodSync,
  copyFileSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  utimesSync,
  writeFileSync,
} from 'node:fs'
import { basename, join } from 'node:path'
import { build } from 'esbuild'

const home = join(import.meta.dirname, '..')
const target = join(home, '.build/bundle')
// The stamp is older than the sources' next change even when that comes while we bundle.
const began = new Date()
const next = mkdtempSync(join(home, '.build/bundle-'))
// For the shell, which would take longer to find them than to look at them.
const inputs = ['src', 'bin'].flatMap(folder => [
  folder,
  ...readdirSync(join(home, folder), { recursive: true }).map(path => join(folder, path)),
])
const words = inputs.map(path => `'${path.replaceAll("'", "'\\''")}'`)
writeFileSync(join(next, 'stamp'), `set -- ${words.join(' ')}\n`)
utimesSync(join(next, 'stamp'), began, began)
// What a temporary folder never is: other users run the same checkout, which holds no secret of ours.
chmodSync(next, 0o755)
// Which commands there are is in main; claude.ts opens a session that runs already without it, and
// looks at what a session left only when it has ended, and at a worker only for a run.
const apart = {
  name: 'apart',
  setup: ({ onResolve }) =>
    onResolve({ filter: /\/(main|after-session|early-client)\.ts$/ }, ({ kind, path }) =>
      kind === 'dynamic-import'
        ? { path: `./${basename(path, '.ts')}.cjs`, external: true }
        : undefined,
    ),
}
// Commander loads it for subcommands that are files of their own. We have none.
const childProcessOnDemand = {
  name: 'child-process-on-demand',
  setup({ onResolve, onLoad }) {
    onResolve({ filter: /^node:child_process$/ }, ({ importer }) =>
      importer.includes('/node_modules/commander/')
        ? { path: 'child_process', namespace: 'on-demand' }
        : undefined,
    )
    onLoad({ filter: /./, namespace: 'on-demand' }, () => ({
      contents: `module.exports = { get spawn() { return require('child_process').spawn } }`,
    }))
  },
}
try {
  await build({
    absWorkingDir: home,
    entryPoints: {
      claude: 'claude.ts',
      build: 'build.ts',
      main: 'src/cli/main.ts',
      'after-session': 'src/cli/after-session.ts',
      'early-client': 'src/cli/run/early-client.ts',
    },
    outdir: next,
    outExtension: { '.js': '.cjs' },
    bundle: true,
    platform: 'node',
    target: 'node20',
    format: 'cjs',
    supported: { 'dynamic-import': false },
    define: { 'import.meta.dirname': '__dirname' },
    // Optional native parts and protocol files are found beside the package, not in a bundle. What few
    // commands need is not read by all of them.
    external: ['ajv', 'dockerode', 'esbuild'],
    plugins: [apart, childProcessOnDemand],
    // Less to read at each start; the names stay, for what --verbose shows.
    minifyWhitespace: true,
    minifySyntax: true,
    logLevel: 'warning',
  })
} catch {
  // esbuild has said on stderr what is wrong.
  rmSync(next, { recursive: true })
  process.exit(1)
}
// The first line is for the shell; it would not be the first line where run.cjs puts it.
for (const file of ['claude.cjs', 'build.cjs'].map(name => join(next, name))) {
  writeFileSync(file, readFileSync(file, 'latin1').replace(/^#!.*/, ''), 'latin1')
}
copyFileSync(join(home, 'bin/run-bundle.cjs'), join(next, 'run.cjs'))
copyFileSync(join(home, 'bin/require-node.cjs'), join(next, 'require-node.cjs'))
rmSync(target, { recursive: true, force: true })
renameSync(next, target)
// A look at the stack runs through most of what other commands need, and changes nothing.
spawnSync(process.execPath, [join(target, 'run.cjs'), 'claude', 'status', '--json'], {
  cwd: '/',
  env: { ...process.env, TSRUN_KEEP_COMPILED: '1' },
  stdio: 'ignore',
  timeout: 20_000,
})
