// Bundles claude.ts and build.ts into one CommonJS file each, with V8's compiled code beside it:
// reading and compiling modules would take two thirds of a short command's run time.
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
// Dates the stamp before the build, so that a source changed during the build is newer than it.
const began = new Date()
const next = mkdtempSync(join(home, '.build/bundle-'))
// Lists the inputs for the shell: running `find` takes it longer than checking each file.
const inputs = ['src', 'bin'].flatMap(folder => [
  folder,
  ...readdirSync(join(home, folder), { recursive: true }).map(path => join(folder, path)),
])
const words = inputs.map(path => `'${path.replaceAll("'", "'\\''")}'`)
writeFileSync(join(next, 'stamp'), `set -- ${words.join(' ')}\n`)
utimesSync(join(next, 'stamp'), began, began)
// mkdtemp creates folders as 0700, but other users run the same checkout; it contains no secrets.
chmodSync(next, 0o755)
// Splits off what claude.ts loads on demand: main defines the commands, which a session that already
// runs does not need; after-session is needed once a session ended, early-client only for a run.
const apart = {
  name: 'apart',
  setup: ({ onResolve }) =>
    onResolve({ filter: /\/(main|after-session|early-client)\.ts$/ }, ({ kind, path }) =>
      kind === 'dynamic-import'
        ? { path: `./${basename(path, '.ts')}.cjs`, external: true }
        : undefined,
    ),
}
// Commander loads child_process for subcommands in separate files. We have none.
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
    // Optional native parts and protocol files must stay beside their package. Packages that few
    // commands need stay out, so that the other commands do not read them.
    external: ['ajv', 'dockerode', 'esbuild'],
    plugins: [apart, childProcessOnDemand],
    // Leaves less to read at each start, and keeps identifiers for the stack traces of --verbose.
    minifyWhitespace: true,
    minifySyntax: true,
    logLevel: 'warning',
  })
} catch {
  // esbuild has reported the error on stderr.
  rmSync(next, { recursive: true })
  process.exit(1)
}
// Removes the shebang: run.cjs wraps the file, so it would not be on the first line.
for (const file of ['claude.cjs', 'build.cjs'].map(name => join(next, name))) {
  writeFileSync(file, readFileSync(file, 'latin1').replace(/^#!.*/, ''), 'latin1')
}
copyFileSync(join(home, 'bin/run-bundle.cjs'), join(next, 'run.cjs'))
copyFileSync(join(home, 'bin/require-node.cjs'), join(next, 'require-node.cjs'))
rmSync(target, { recursive: true, force: true })
renameSync(next, target)
// `status` is read-only and runs most of the code that other commands need.
spawnSync(process.execPath, [join(target, 'run.cjs'), 'claude', 'status', '--json'], {
  cwd: '/',
  env: { ...process.env, TSRUN_KEEP_COMPILED: '1' },
  stdio: 'ignore',
  timeout: 20_000,
})
