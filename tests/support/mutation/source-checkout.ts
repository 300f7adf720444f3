import { chmod, cp, symlink, writeFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import type { Test } from 'tap'
import { exec, execOk } from '../../../src/process/exec.ts'
import { repository, temporaryFolder } from '../stack/checkout.ts'
import { nodeFolder } from '../suite/other-node.ts'
import { suiteOf } from '../suite/suites.ts'

const folders = ['bin', 'claude', 'gateway', 'proxy', 'additions', 'docs', 'src', 'tests']
const files = [
  'package.json',
  'package-lock.json',
  'tsconfig.json',
  'compose.yaml',
  'compose.server.yaml',
  '.gitignore',
  'pins.json',
  'claude.ts',
  'build.ts',
  '.env.example',
]
const loader = createRequire(import.meta.url).resolve('tsx')

/** Copies what the tests without an engine read, for a test that changes the sources. */
export async function copySources(t: Test): Promise<string> {
  const checkout = await temporaryFolder(t, 'source')
  // Tests act as other users in it.
  await chmod(checkout, 0o755)
  for (const path of [...folders, ...files]) {
    // The packages count as older than a lock file that was copied just now.
    const options = { recursive: true, preserveTimestamps: true }
    await cp(join(repository, path), join(checkout, path), options)
  }
  await symlink(join(repository, 'node_modules'), join(checkout, 'node_modules'))
  // Tests that make a checkout of their own ask git for its files.
  await execOk('git', ['init', '--quiet'], { cwd: checkout })
  await writeFile(join(checkout, '.git/info/exclude'), 'node_modules\n')
  return checkout
}

/** Runs a test file of the checkout, which fails by itself after `seconds`, and returns its TAP. */
export async function runTestFile(checkout: string, test: string, seconds: number) {
  // Not the environment of this test, which would make the other one report to its parent.
  const env = Object.fromEntries(
    Object.entries(process.env).filter(([name]) => !/^(TAP|NODE_OPTIONS|TEST_)/.test(name)),
  )
  const options = {
    cwd: checkout,
    env: { ...env, TAP_TIMEOUT: `${seconds}` },
    timeout: (seconds + 100) * 1000,
    limit: 256 * 1024 * 1024,
  }
  const suite = suiteOf(test)
  const node = suite?.node ? join(await nodeFolder(suite.node), 'node') : process.execPath
  const { code, stdout, stderr } = await exec(node, ['--import', loader, test], options)
  return { passed: code === 0, output: `${stdout}${stderr}` }
}
