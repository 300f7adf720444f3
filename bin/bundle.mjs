// Bundles claude.ts and build.ts into a few scripts, with V8's compiled code beside each: reading and
// compiling modules would take two thirds of a short command's run time.
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
import { basename, dirname, join } from 'node:path'
import { setFlagsFromString } from 'node:v8'
import { Script } from 'node:vm'
import { build, transform } from 'esbuild'

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
/**
 * The packs that a start reads, in the order in which they take the chunks of their entry points: a session
 * that already runs reads `claude` alone, `status` also `read`, and a help text `parse` in its place.
 */
const packs = {
  claude: ['claude.ts', 'src/cli/reattach.ts'],
  client: ['src/cli/run/early-client.ts'],
  read: [
    'src/cli/main.ts',
    'src/cli/commands/status.ts',
    'src/cli/commands/list.ts',
    'src/cli/interpret-schemas.ts',
    'src/egress/findings.ts',
  ],
  parse: ['src/cli/parse-line.ts'],
  work: [
    'src/cli/commands/start.ts',
    'src/cli/commands/run.ts',
    'src/config/load-settings.ts',
    'src/engine/find-client.ts',
    'src/engine/remembered-client.ts',
    'src/machine/requirements.ts',
    'src/operations/start/start-here.ts',
    'src/stack/state/owner.ts',
  ],
  yaml: ['node_modules/yaml/dist/index.js'],
  end: ['src/cli/after-session.ts'],
}

/** Packs whose functions are all compiled here: no run of a command fills their caches. */
const compiledHere = ['claude', 'client', 'work', 'yaml', 'end']

/** The pack of what these share with others: one that is read before them, so that the others do not read them. */
const sharedBy = { client: 'claude', parse: 'read' }

/** Names each chunk by its pack, as `read/chunk-X`; chunks of no pack are in `rest`. */
function placesOf(outputs) {
  const readers = new Map()
  const read = (path, pack) => {
    const packs = readers.get(path) ?? []
    if (packs.includes(pack)) return
    readers.set(path, [...packs, pack])
    for (const { path: imported, kind, external } of outputs[path].imports) {
      if (kind === 'import-statement' && !external) read(imported, pack)
    }
  }
  for (const [pack, entries] of Object.entries(packs)) {
    for (const entry of entries) {
      // The packages may be those of another checkout.
      const found = Object.entries(outputs).find(([, output]) => output.entryPoint?.endsWith(entry))
      if (!found) throw new Error(`${entry} is not imported on demand: correct the packs`)
      read(found[0], pack)
    }
  }
  const places = new Map()
  for (const path of Object.keys(outputs)) {
    const [first = 'rest', ...others] = readers.get(path) ?? []
    const pack = others.length > 0 ? (sharedBy[first] ?? first) : first
    places.set(path, `${pack}/${basename(path, '.js')}`)
  }
  return places
}

/** Writes each pack as one script: an object with a function for each chunk, as a CommonJS module has. */
async function writePacks({ outputFiles, metafile: { outputs } }) {
  const places = placesOf(outputs)
  const scripts = new Map()
  for (const [path, place] of places) {
    const file = outputFiles.find(file => file.path === join(home, path))
    const { code } = await transform(file.text.replace(/^#!.*/, ''), {
      platform: 'node',
      target: 'node20',
      format: 'cjs',
      supported: { 'dynamic-import': false },
      minifyWhitespace: true,
      minifySyntax: true,
    })
    const linked = code.replace(/require\("\.\/([^"]+)\.js"\)/g, (_, name) => {
      const target = join(dirname(path), `${name}.js`)
      // A package of CommonJS that is imported on demand: esbuild exports it as a whole, Node.js by name.
      const whole = outputs[target].exports.join() === 'default' ? '.default' : ''
      return `require("./${places.get(target)}")${whole}`
    })
    const [pack, name] = place.split('/')
    const module = `${JSON.stringify(name)}(exports,require,module,__dirname){${linked}\n}`
    scripts.set(pack, [...(scripts.get(pack) ?? []), module])
  }
  for (const [pack, modules] of scripts) {
    writeFileSync(join(next, `${pack}.cjs`), `({${modules.join(',\n')}})`, 'latin1')
  }
}

/** Writes V8's compiled code of a whole pack. Its flags must be those of a start, or V8 rejects the code. */
function compileAll(pack) {
  const file = join(next, `${pack}.cjs`)
  setFlagsFromString('--no-lazy')
  const script = new Script(readFileSync(file, 'latin1'), { filename: file })
  setFlagsFromString('--lazy')
  writeFileSync(join(next, `${pack}.cache`), script.createCachedData())
}

try {
  const built = await build({
    absWorkingDir: home,
    entryPoints: { claude: 'claude.ts', build: 'build.ts' },
    outdir: next,
    bundle: true,
    splitting: true,
    metafile: true,
    write: false,
    platform: 'node',
    target: 'node20',
    format: 'esm',
    charset: 'ascii',
    define: { 'import.meta.dirname': '__dirname' },
    // Optional native parts and protocol files must stay beside their package. Packages that few
    // commands need stay out, so that the other commands do not read them.
    external: ['ajv', 'dockerode', 'esbuild', 'fastify', 'ws'],
    plugins: [childProcessOnDemand],
    // Leaves less to read at each start, and keeps identifiers for the stack traces of --verbose.
    minifyWhitespace: true,
    minifySyntax: true,
    logLevel: 'warning',
  })
  await writePacks(built)
  for (const pack of compiledHere) compileAll(pack)
} catch (error) {
  // esbuild has reported its own errors on stderr.
  if (!error.errors) console.error(error)
  rmSync(next, { recursive: true })
  process.exit(1)
}
copyFileSync(join(home, 'bin/run-bundle.cjs'), join(next, 'run.cjs'))
copyFileSync(join(home, 'bin/require-node.cjs'), join(next, 'require-node.cjs'))
rmSync(target, { recursive: true, force: true })
renameSync(next, target)
// Each keeps the functions that it compiled, and those of the ones before it.
for (const args of [['--help'], ['status', '--json'], ['list', '--json']]) {
  spawnSync(process.execPath, [join(target, 'run.cjs'), 'claude', ...args], {
    cwd: '/',
    env: { ...process.env, TSRUN_KEEP_COMPILED: '1' },
    stdio: 'ignore',
    timeout: 20_000,
  })
}
