/** What commands that only read must not load: scripts call them often, and each schema takes milliseconds. */
import { readFileSync } from 'node:fs'
import { dirname, join, normalize } from 'node:path'
import t from 'tap'

const source = join(import.meta.dirname, '../../src')

/** Modules that take 2 ms or more to load, and that no such command needs. */
const heavy = [
  'config/settings.ts',
  'config/tenants.ts',
  'workspace/copy/baseline.ts',
  'run/request.ts',
  'run/result.ts',
  'run/store/file-store.ts',
  'images/images.ts',
  'engine/archive.ts',
  'stack/stack.ts',
]

/** Each command, and a module that it does load. */
const light = {
  'cli/commands/status.ts': 'operations/context.ts',
  'cli/commands/list.ts': 'operations/context.ts',
  'cli/commands/policy.ts': 'egress/allowlist.ts',
}

t.test('status, list and allowlist load no schema of settings or runs', async t => {
  for (const [command, needed] of Object.entries(light)) {
    const loaded = loadedBy(command)
    t.ok(loaded.has(needed), 'the imports are followed')
    t.same(
      heavy.filter(path => loaded.has(path)).map(path => loaded.get(path)?.join(' → ')),
      [],
      command,
    )
  }
})

t.test('a session that is attached again loads no zod', async t => {
  const loaded = loadedBy('cli/reattach.ts')
  t.ok(loaded.has('engine/terminal-exec.ts'))
  const found = [...loaded].filter(([path]) => /from 'zod'/.test(loadsOf(path)))
  t.same(
    found.map(([, way]) => way.join(' → ')),
    [],
  )
})

t.test('a session that is attached again loads no cryptography, which takes 2 ms', async t => {
  const loaded = loadedBy('cli/reattach.ts')
  t.ok(loaded.has('files/replace-file.ts'))
  const found = [...loaded].filter(([path]) => /from 'node:crypto'/.test(loadsOf(path)))
  t.same(
    found.map(([, way]) => way.join(' → ')),
    [],
  )
})

t.test('the parser of command lines loads no zod, as for a help text', async t => {
  const loaded = loadedBy('cli/parse-line.ts')
  t.ok(loaded.has('cli/run-program.ts'))
  const found = [...loaded].filter(([path]) => /from 'zod'/.test(loadsOf(path)))
  t.same(
    found.map(([, way]) => way.join(' → ')),
    [],
  )
})

/** Returns all modules that load with this one, each with its way there. `import()` and types load nothing. */
function loadedBy(start: string): Map<string, string[]> {
  const ways = new Map([[start, [start]]])
  for (const [path, way] of ways) {
    for (const [, name = ''] of loadsOf(path).matchAll(/from '(\.[^'\n]+)'/g)) {
      const target = normalize(join(dirname(path), name))
      if (!ways.has(target)) ways.set(target, [...way, target])
    }
  }
  return ways
}

/** Returns the import and export statements of a module that are not of types alone. */
function loadsOf(path: string): string {
  const text = readFileSync(join(source, path), 'utf8')
  const statements = text.match(/^(?:import|export) [^;]*? from '[^'\n]+'$/gm) ?? []
  return statements.filter(statement => !/^(?:import|export) type\b/.test(statement)).join('\n')
}
