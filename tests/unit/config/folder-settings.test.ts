import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { setEnvLine } from '../../../src/config/env-file.ts'
import {
  parseAssignment,
  parseSettingName,
  renderAssignment,
} from '../../../src/config/folder-settings.ts'
import { loadCustomSettings, loadSettings } from '../../../src/config/load-settings.ts'

t.test('the environment is above the folder, the folder above .env', async t => {
  const root = t.testdir({
    '.env': 'AGENT_MEMORY=2g\nAGENT_CPUS=1\nAGENT_PIDS=100\nCLAUDE_ENV_A=env\nCLAUDE_ENV_B=env\n',
    here: 'AGENT_CPUS=3\nAGENT_PIDS=200\nCLAUDE_ENV_B=here\nCLAUDE_ENV_C=here\n',
  })
  const here = join(root, 'here')
  const env = { AGENT_PIDS: '300', CLAUDE_ENV_C: 'shell' }
  t.match(await loadSettings(root, env, here), {
    AGENT_MEMORY: '2g',
    AGENT_CPUS: '3',
    AGENT_PIDS: 300,
    AGENT_SHM: '256m',
  })
  t.match(await loadSettings(root, {}), { AGENT_CPUS: '1' }, 'another folder')
  t.strictSame((await loadCustomSettings(root, env, here)).environment, {
    A: 'env',
    B: 'here',
    C: 'shell',
  })
  t.match(await loadSettings(root, {}, join(root, 'missing')), { AGENT_CPUS: '1' })
})

t.test('an error names the folder’s file', async t => {
  const root = t.testdir({ here: 'AGENT_CPUS=many\n' })
  const here = join(root, 'here')
  await t.rejects(loadSettings(root, {}, here), { message: new RegExp(`^${here}: AGENT_CPUS`) })
  for (const name of ['ANTHROPIC_API_KEY', 'PARENT_PROXY', 'DEBIAN_MIRROR']) {
    writeFileSync(here, `${name}=x\n`)
    await t.rejects(
      loadSettings(root, {}, here),
      { message: new RegExp(`${name} cannot be set for one folder: `) },
      name,
    )
  }
})

t.test('an assignment is parsed, and its value shown to nobody', async t => {
  t.strictSame(parseAssignment('AGENT_MEMORY=8g'), { name: 'AGENT_MEMORY', value: '8g' })
  t.strictSame(parseAssignment('CLAUDE_ENV_X=a=b c'), { name: 'CLAUDE_ENV_X', value: 'a=b c' })
  t.equal(parseSettingName('CLAUDE_SSH_DIR'), 'SSH_DIR')
  t.throws(() => parseAssignment('sk-ant-api03-secret'), {
    message: /^(?!.*secret).*NAME=VALUE/,
  })
  t.throws(() => parseAssignment('AGENT_MEMROY=8g'), { message: /unknown setting AGENT_MEMROY/ })
  t.throws(() => parseAssignment('ANTHROPIC_API_KEY=sk-ant-api03-x'), {
    message: /^(?!.*sk-ant).*it is a secret/,
  })
  for (const value of ['', 'a\nBASE_IMAGE=x', 'a\u0000', 'a'.repeat(5000)]) {
    t.throws(() => parseAssignment(`AGENT_MEMORY=${value}`), { message: /empty, too long/ })
  }
})

t.test('each value is read back as it was given, or not written', async t => {
  const root = t.testdir({ '.env': '' })
  const path = join(root, 'here')
  const values = ['a b', '# no comment', 'a # b', "it's", 'say "x"', '$HOME', 'a\\nb', ' a ', '"x"']
  for (const value of values) {
    const line = renderAssignment('CLAUDE_ENV_X', value)
    if (line === null) throw new Error(`not written: ${value}`)
    await setEnvLine(path, 'CLAUDE_ENV_X', line)
    t.strictSame((await loadCustomSettings(root, {}, path)).environment, { X: value }, value)
  }
  t.equal(renderAssignment('X', ` '"\``), null)
})

t.test('a line is removed, and no other', async t => {
  const { readFile } = await import('node:fs/promises')
  const root = t.testdir({ here: '# mine\nAGENT_CPUS=3\nAGENT_PIDS=200\nexport AGENT_CPUS=4\n' })
  const path = join(root, 'here')
  await setEnvLine(path, 'AGENT_CPUS', null)
  t.equal(await readFile(path, 'utf8'), '# mine\nAGENT_PIDS=200\n')
  await setEnvLine(path, 'AGENT_CPUS', null)
  await setEnvLine(join(root, 'missing'), 'AGENT_CPUS', null)
  t.equal(await readFile(path, 'utf8'), '# mine\nAGENT_PIDS=200\n')
})
