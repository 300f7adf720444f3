import { chmod, cp, readFile, symlink, writeFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import t from 'tap'
import { exec, execOk } from '../../../src/process/exec.ts'
import { chatSourceControls } from '../../support/mutation/chat-source-controls.ts'
import { forgeSourceControls } from '../../support/mutation/forge-source-controls.ts'
import { gitSourceControls } from '../../support/mutation/git-source-controls.ts'
import { mcpSourceControls } from '../../support/mutation/mcp-source-controls.ts'
import { openAiSourceControls } from '../../support/mutation/openai-source-controls.ts'
import { serverSourceControls } from '../../support/mutation/server-source-controls.ts'
import { sessionSourceControls } from '../../support/mutation/session-source-controls.ts'
import { sourceControls } from '../../support/mutation/source-controls.ts'
import { webSourceControls } from '../../support/mutation/web-source-controls.ts'
import { repository, temporaryFolder } from '../../support/stack/checkout.ts'
import { nodeFolder } from '../../support/suite/other-node.ts'
import { suiteOf } from '../../support/suite/suites.ts'

const controls = [
  ...sourceControls,
  ...serverSourceControls,
  ...mcpSourceControls,
  ...gitSourceControls,
  ...sessionSourceControls,
  ...forgeSourceControls,
  ...chatSourceControls,
  ...openAiSourceControls,
  ...webSourceControls,
]

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
]
const loader = createRequire(import.meta.url).resolve('tsx')

t.test('a test notices each removed control of the code', { timeout: 1_800_000 }, async t => {
  const checkout = await temporaryFolder(t, 'source')
  // Tests act as other users in it.
  await chmod(checkout, 0o755)
  for (const path of [...folders, ...files, '.env.example']) {
    // The packages count as older than a lock file that was copied just now.
    const options = { recursive: true, preserveTimestamps: true }
    await cp(join(repository, path), join(checkout, path), options)
  }
  await symlink(join(repository, 'node_modules'), join(checkout, 'node_modules'))
  // Tests that make a checkout of their own ask git for its files.
  await execOk('git', ['init', '--quiet'], { cwd: checkout })
  await writeFile(join(checkout, '.git/info/exclude'), 'node_modules\n')

  // Not the environment of this test, which would make the other one report to its parent.
  const env = Object.fromEntries(
    Object.entries(process.env).filter(([name]) => !/^(TAP|NODE_OPTIONS|TEST_)/.test(name)),
  )
  /** `seconds`: what waits for ever without its control fails by them. */
  const passes = async (test: string, seconds: number) => {
    const options = {
      cwd: checkout,
      env: { ...env, TAP_TIMEOUT: `${seconds}` },
      timeout: 400_000,
      limit: 256 * 1024 * 1024,
    }
    const suite = suiteOf(test)
    const node = suite?.node ? join(await nodeFolder(suite.node), 'node') : process.execPath
    const { code, stdout, stderr } = await exec(node, ['--import', loader, test], options)
    return { passed: code === 0, output: `${stdout}${stderr}` }
  }

  for (const test of new Set(controls.map(({ test }) => test))) {
    t.test(`with all controls ${test} passes`, async t => {
      const { passed, output } = await passes(test, 300)
      t.ok(passed, output.slice(-2_000))
    })
  }
  for (const { control, file, remove, test } of controls) {
    t.test(`without "${control}"`, async t => {
      const path = join(checkout, file)
      const whole = await readFile(path, 'utf8')
      const [from, to] = remove
      t.equal(whole.split(from).length, 2, 'it is stated once')
      await writeFile(
        path,
        whole.replace(from, () => to),
      )
      const { passed, output } = await passes(test, 20)
      await writeFile(path, whole)
      t.notOk(passed, `${test} passes`)
      t.ok(output.includes('not ok'), 'by an assertion')
    })
  }
})
