/** Who may import whom. The whole rule: a folder of src, and the folders it may import from. */
import { readdirSync, readFileSync } from 'node:fs'
import { dirname, join, normalize, relative } from 'node:path'
import t from 'tap'

const source = join(import.meta.dirname, '../../src')

const primitives = ['base', 'files', 'process']
const values = [...primitives, 'config']
const machine = [...values, 'engine']
const parts = [...machine, 'machine', 'images', 'egress', 'workspace', 'run', 'usage']
const operations = [...parts, 'stack', 'credentials']

/** Imports point downward, and never from one surface to another. */
const mayImport: Record<string, readonly string[]> = {
  base: [],
  files: ['base'],
  process: ['base', 'files'],
  config: primitives,
  credentials: values,
  engine: values,
  machine,
  images: [...machine, 'machine'],
  egress: [...machine, 'machine'],
  workspace: values,
  run: primitives,
  usage: primitives,
  stack: parts,
  git: operations,
  operations: [...operations, 'git', 'credentials'],
  audit: operations,
  doctor: [...operations, 'operations', 'git'],
  runner: [...primitives, 'run'],
  gateway: [...primitives, 'usage'],
  tenants: [...values, 'egress', 'run', 'usage'],
  server: [...values, 'run', 'usage', 'tenants'],
  schedules: [...values, 'run', 'tenants'],
  telegram: [...values, 'run', 'usage', 'tenants'],
  serve: [...values, 'run', 'tenants', 'server', 'schedules', 'telegram'],
  'git-front': values,
  ingress: ['base'],
  web: [...operations, 'operations', 'git'],
  // `web` is a command of the person, and a server in its process.
  cli: [...operations, 'operations', 'audit', 'doctor', 'git', 'web'],
}

/** Packages that one folder alone may use, so that one place changes with them. */
const homes: Record<string, readonly string[]> = {
  dockerode: ['engine'],
  fastify: ['gateway', 'server', 'web'],
  ws: ['web'],
  '@xterm/xterm': ['web'],
  '@xterm/addon-fit': ['web'],
  '@fastify/rate-limit': ['server'],
  'prom-client': ['server'],
  '@modelcontextprotocol/server': ['server'],
  undici: ['gateway', 'egress', 'git', 'server', 'telegram'],
  '@smithy/core': ['gateway'],
  '@smithy/signature-v4': ['gateway'],
  jose: ['gateway'],
  croner: ['schedules'],
  grammy: ['telegram'],
  marked: ['telegram'],
  '@secretlint/core': ['git'],
  '@secretlint/secretlint-rule-preset-recommend': ['git'],
  commander: ['cli'],
  '@clack/prompts': ['cli'],
  picocolors: ['cli'],
  zx: [],
}

const files = readdirSync(source, { recursive: true, encoding: 'utf8' }).filter(path =>
  path.endsWith('.ts'),
)
const importsOf = new Map(files.map(file => [file, readImports(file)]))

t.test('every folder imports only from folders below it', async t => {
  const upward = [...importsOf].flatMap(([file, { own }]) =>
    own
      .filter(target => folderOf(target) !== folderOf(file))
      .filter(target => !mayImport[folderOf(file)]?.includes(folderOf(target)))
      .map(target => `${file} → ${target}`),
  )
  t.same(upward, [])
})

t.test('the table has every folder of src and nothing else', async t => {
  t.same([...new Set(files.map(folderOf))].sort(), Object.keys(mayImport).sort())
})

t.test('a package is used by its own folders only', async t => {
  const abroad = [...importsOf].flatMap(([file, { packages }]) =>
    packages
      .filter(name => homes[name] && !homes[name].includes(folderOf(file)))
      .map(name => `${file} → ${name}`),
  )
  t.same(abroad, [])
})

t.test('there is no import circle, types included', async t => {
  const state = new Map<string, 'open' | 'done'>()
  const circles: string[] = []
  const visit = (file: string, path: readonly string[]) => {
    if (state.get(file) === 'done') return
    if (state.get(file) === 'open') {
      circles.push([...path.slice(path.indexOf(file)), file].join(' → '))
      return
    }
    state.set(file, 'open')
    for (const target of importsOf.get(file)?.own ?? []) visit(target, [...path, file])
    state.set(file, 'done')
  }
  for (const file of files) visit(file, [])
  t.same(circles, [])
})

/** Their messages mark commands with `command()`; a surface renders them. */
const silent = Object.keys(mayImport).filter(
  folder =>
    !['cli', 'gateway', 'runner', 'server', 'serve', 'ingress', 'git-front'].includes(folder),
)

/** Programs that run in a container, where stdout is how they answer. */
const insideContainers = [
  'audit/inside/attack.ts',
  'audit/inside/canary.ts',
  'doctor/live.ts',
  'stack/inside/forget.ts',
  'stack/inside/forward.ts',
]

t.test(
  'operations, its neighbours and the folders below name no command of a surface and print nothing',
  async t => {
    const found = files
      .filter(file => silent.includes(folderOf(file)) && !insideContainers.includes(file))
      .filter(file =>
        /\.\/claude\.ts|\bconsole\.\w+\(|process\.std(out|err)/.test(
          readFileSync(join(source, file), 'utf8'),
        ),
      )
    t.same(found, [])
  },
)

function folderOf(file: string): string {
  return file.split('/')[0] ?? ''
}

function readImports(file: string): { own: string[]; packages: string[] } {
  const text = readFileSync(join(source, file), 'utf8')
  const names = [...text.matchAll(/(?:\bfrom|\bimport)\s*\(?\s*'([^'\n]+)'/g)].map(
    ([, name = '']) => name,
  )
  return {
    own: names
      .filter(name => name.startsWith('.'))
      .map(name => relative('.', normalize(join(dirname(file), name)))),
    packages: names
      .filter(name => !name.startsWith('.') && !name.startsWith('node:'))
      .map(packageOf),
  }
}

function packageOf(name: string): string {
  return name
    .split('/')
    .slice(0, name.startsWith('@') ? 2 : 1)
    .join('/')
}
