/**
 * `npm test`: from a bare machine to a verdict. Without arguments: test tools and `setup --yes`, then linter,
 * types and the suites that need no engine, beside those that do. With names (`unit`, `chaos`, `lint`, …)
 * only those parts; `standard` is what it does without names, `all` is everything; `check` is linter, types
 * and unit tests; `file PATH…` runs single files.
 */
import { join, relative } from 'node:path'
import { longestFirst, readDurations, writeDurations } from './support/suite/durations.ts'
import { runInLanes } from './support/suite/lanes.ts'
import { nodeFolder } from './support/suite/other-node.ts'
import { runBundled } from './support/suite/run-bundled.ts'
import { runTool } from './support/suite/run-tool.ts'
import { type Suite, suiteOf, suites, testFiles } from './support/suite/suites.ts'
import { createTapSummary } from './support/suite/tap-summary.ts'

const root = join(import.meta.dirname, '..')
const print = (line: string) => console.log(line)
const summary = createTapSummary(print)
const failed: string[] = []

/** What the last check of the types found, by content: only changed files are checked again. */
const buildInfo = '.build/types.tsbuildinfo'
const pageBuildInfo = '.build/page-types.tsbuildinfo'
type Command = readonly [file: string, ...args: string[]]
// Threads double its processor time, which the tests beside it need.
const compiler = ['node_modules/.bin/tsc', '--noEmit', '--singleThreaded', '--incremental'] as const
const tools: Record<string, readonly Command[]> = {
  lint: [['node_modules/.bin/biome', 'check', '.']],
  types: [
    [...compiler, '--tsBuildInfoFile', buildInfo],
    // The page of `web` runs in a browser, with its types.
    [...compiler, '--project', 'src/web/page', '--tsBuildInfoFile', pageBuildInfo],
  ],
  format: [['node_modules/.bin/biome', 'check', '--write', '.']],
}
const all = ['lint', 'types', ...suites.map(({ name }) => name)]
const standard = all.filter(part => suites.find(({ name }) => name === part)?.standard ?? true)

const names = process.argv.slice(2)
process.exitCode = await main()

async function main() {
  if (names[0] === 'file') return runOnly(names.slice(1))
  if (names[0] === 'check' && names.length === 1) {
    await runParts(['lint', 'types', 'unit'])
    return verdict()
  }
  const groups: Record<string, readonly string[]> = { all, standard }
  const parts = (names.length > 0 ? names : ['standard']).flatMap(name => groups[name] ?? [name])
  const unknown = parts.filter(name => !(name in tools) && !suites.some(s => s.name === name))
  if (unknown.length > 0) {
    console.error(`error: unknown suite ${unknown.join(', ')}`)
    console.error(`hint:  use ${[...Object.keys(tools), ...suites.map(s => s.name)].join(', ')}`)
    return 2
  }
  await runParts(parts)
  return verdict()
}

async function runParts(parts: readonly string[]) {
  const chosen = wanted(parts)
  // Before any suite: on a bare machine it installs what other suites look for, too.
  const ready = !chosen.some(({ needsEngine }) => needsEngine) || (await makeReady())
  // Files with an engine wait more than they compute: meanwhile the others have the processors.
  const plain = Promise.all([
    ...Object.keys(tools).map(name => (parts.includes(name) ? tool(name) : null)),
    runInOrder(chosen.filter(({ needsEngine }) => !needsEngine)),
  ])
  // It is awaited below, after minutes.
  plain.catch(() => {})
  const withEngine = chosen.filter(({ needsEngine }) => needsEngine)
  if (ready) await runInOrder(withEngine, plain)
  else failed.push(...withEngine.map(({ name }) => `${name} (not run)`))
  await plain
}

async function runInOrder(chosen: readonly Suite[], beside?: Promise<unknown>) {
  for (const suite of chosen) await runSuite(suite, testFiles(suite), beside)
}

function wanted(parts: readonly string[]) {
  return suites.filter(({ name }) => parts.includes(name))
}

/** Runs files by path, in the process layout of their suite, without `setup`. */
async function runOnly(paths: readonly string[]) {
  const files = paths.map(path => relative(root, path))
  const stray = files.filter(file => !suiteOf(file))
  if (files.length === 0 || stray.length > 0) {
    console.error(`error: no test file: ${stray.join(', ') || 'none given'}`)
    console.error('hint:  run npm run test:file tests/unit/egress/allowlist.test.ts')
    return 2
  }
  for (const suite of suites)
    await runSuite(
      suite,
      files.filter(file => suiteOf(file) === suite),
    )
  return verdict()
}

async function runSuite(suite: Suite, files: readonly string[], beside?: Promise<unknown>) {
  if (files.length === 0) return
  print(`\n# ${suite.name}`)
  const start = performance.now()
  const isOther = suite.node !== undefined && !process.version.startsWith(`v${suite.node}.`)
  // First in PATH too: the launcher takes the Node.js from there.
  const folder = isOther && suite.node ? await nodeFolder(suite.node) : null
  const options = {
    ...{ summary, print, files, timeout: suite.timeout },
    env: { ...suite.env, ...(folder && { PATH: `${folder}:${process.env.PATH}` }) },
    ...(folder && { node: join(folder, 'node') }),
  }
  const passed = suite.needsEngine
    ? await runInLanes(suite.processes, options, beside)
    : await runBundled(suite.processes, {
        ...options,
        files: longestFirst(files, readDurations(), 0),
      })
  print(`# ${suite.name}: ${((performance.now() - start) / 1000).toFixed(0)}s`)
  if (!passed) failed.push(suite.name)
  // Only the whole suite: a file alone is faster than beside others.
  else if (suite.name === 'e2e' && files.length === testFiles(suite).length)
    writeDurations(summary.files().filter(({ name }) => files.includes(name)))
}

async function makeReady() {
  return (
    (await runPart('test tools', ['tests/support/install-tools.sh'])) &&
    (await runPart('setup', ['./claude.ts', 'setup', '--yes']))
  )
}

async function tool(name: string) {
  for (const command of tools[name] ?? []) await runPart(name, command)
}

async function runPart(name: string, command: readonly [string, ...string[]]) {
  const outcome = await runTool(root, command)
  print(`\n# ${name}`)
  print(`${outcome.passed ? 'ok    ' : 'FAILED'} ${name} ${outcome.seconds.toFixed(1)}s`)
  if (outcome.output) print(outcome.output)
  if (!outcome.passed) {
    failed.push(name)
    summary.fail()
  }
  return outcome.passed
}

function verdict() {
  const slowest = summary.slowest(10)
  if (slowest.files.length > 1) {
    print('\n# slowest files')
    for (const { name, seconds } of slowest.files)
      print(`${seconds.toFixed(1).padStart(7)}s ${name}`)
    print('\n# slowest tests')
    for (const { name, seconds } of slowest.tests)
      print(`${seconds.toFixed(1).padStart(7)}s ${name}`)
  }
  if (failed.length > 0) print(`\nfailed: ${failed.join(', ')}`)
  const count = summary.count()
  print(`\n${count.passed} passed, ${count.failed} failed`)
  // Linter and types alone assert nothing.
  const asserted = count.passed > 0 || (names.length > 0 && names.every(name => name in tools))
  return failed.length === 0 && count.failed === 0 && asserted ? 0 : 1
}
