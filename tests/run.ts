/**
 * `npm test`: from a bare machine to a verdict. Without arguments: linter, types, test tools, `setup
 * --yes`, then every suite. With names (`unit integration stack e2e`) only those suites.
 */
import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { $ } from 'zx'
import { createTapSummary } from './support/tap-summary.ts'

const root = join(import.meta.dirname, '..')

type Suite = { name: string; needsEngine: boolean; tapArguments: string[] }

const suites: Suite[] = [
  { name: 'unit', needsEngine: false, tapArguments: [] },
  { name: 'integration', needsEngine: false, tapArguments: [] },
  { name: 'stack', needsEngine: false, tapArguments: [] },
  // One file at a time: each has a stack of its own, and measures what the machine does.
  { name: 'e2e', needsEngine: true, tapArguments: ['--jobs=1', '--timeout=900'] },
]

const names = process.argv.slice(2)
const unknown = names.filter(name => !suites.some(suite => suite.name === name))
if (unknown.length > 0) {
  console.error(`error: there is no suite ${unknown.join(', ')}`)
  console.error(`hint:  the suites are ${suites.map(({ name }) => name).join(', ')}`)
  process.exit(2)
}
process.exitCode = await main(
  names.length > 0 ? suites.filter(({ name }) => names.includes(name)) : suites,
)

async function main(wanted: readonly Suite[]) {
  const everything = names.length === 0
  const failed: string[] = []
  const check = async (name: string, file: string, args: string[]) => {
    console.log(`\n# ${name}`)
    const code = await run(file, args)
    if (code !== 0) failed.push(name)
    return code === 0
  }
  if (everything) {
    await check('linter', 'node_modules/.bin/biome', ['check', '.'])
    await check('types', 'node_modules/.bin/tsc', ['--noEmit'])
  }
  let ready = true
  if (wanted.some(({ needsEngine }) => needsEngine)) {
    ready =
      (await check('test tools', 'tests/support/install-tools.sh', [])) &&
      (await check('setup', './claude.ts', ['setup', '--yes']))
  }
  const summary = createTapSummary(line => console.log(line))
  for (const suite of wanted) {
    if (suite.needsEngine && !ready) {
      failed.push(`${suite.name} (setup failed)`)
      continue
    }
    console.log(`\n# ${suite.name}`)
    const code = await runTap(suite, summary)
    if (code !== 0) failed.push(suite.name)
  }
  if (failed.length > 0) console.log(`\nfailed: ${failed.join(', ')}`)
  // The parts that are not tests count too: the closing line must not say 0 failed when one did.
  const parts = failed.filter(name => !suites.some(suite => suite.name === name)).length
  const count = summary.count()
  console.log(`\n${count.passed} passed, ${count.failed + parts} failed`)
  return failed.length === 0 && count.passed > 0 ? 0 : 1
}

async function runTap(suite: Suite, summary: ReturnType<typeof createTapSummary>) {
  const args = ['--reporter=tap', ...suite.tapArguments, ...testFiles(suite)]
  const tap = $({ cwd: root, nothrow: true })`node_modules/.bin/tap run ${args}`
  for await (const line of tap) summary.line(line)
  const { exitCode, stderr } = await tap
  if (exitCode !== 0) console.error(stderr.trim())
  return summary.endSuite(suite.name) ? (exitCode ?? 1) : 1
}

function testFiles({ name }: Suite) {
  const folder = join('tests', name)
  return readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' })
    .filter(path => path.endsWith('.test.ts'))
    .sort()
    .map(path => join(folder, path))
}

async function run(file: string, args: string[]) {
  const { exitCode } = await $({ cwd: root, stdio: 'inherit', nothrow: true })`${file} ${args}`
  return exitCode ?? 1
}
