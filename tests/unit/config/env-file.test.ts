import { chmod } from 'node:fs/promises'
import { join } from 'node:path'
import t from 'tap'
import { readEnvFile, setEnvValue } from '../../../src/config/env-file.ts'

const known = ['ANTHROPIC_API_KEY', 'AGENT_MEMORY']
const read = (dir: string) => readEnvFile(join(dir, '.env'), known)

t.test('values, comments, quotes and export are read', async t => {
  const dir = t.testdir({
    '.env': '# a comment\nexport AGENT_MEMORY="2g"\n\nANTHROPIC_API_KEY=sk-1 # mine\n',
  })
  t.same(await read(dir), { AGENT_MEMORY: '2g', ANTHROPIC_API_KEY: 'sk-1' })
})

t.test('a byte order mark is not part of the first name', async t => {
  for (const text of ['\ufeffAGENT_MEMORY=2g\r\n', '\ufeff# a comment\r\nAGENT_MEMORY=2g\r\n']) {
    const dir = t.testdir({ '.env': text })
    t.same(await read(dir), { AGENT_MEMORY: '2g' })
    await setEnvValue(dir, 'AGENT_MEMORY', '3g')
    t.same(await read(dir), { AGENT_MEMORY: '3g' })
  }
})

t.test('a missing file and an empty value mean not set', async t => {
  t.same(await read(t.testdir({})), {})
  t.same(await read(t.testdir({ '.env': 'ANTHROPIC_API_KEY=\n' })), {})
})

t.test('an unknown name is refused with its line and the nearest name', async t => {
  const dir = t.testdir({ '.env': 'AGENT_MEMORY=2g\nANTHROPIC_APIKEY=x\n' })
  await t.rejects(read(dir), {
    message: /\.env:2: unknown setting ANTHROPIC_APIKEY/,
    hint: 'did you mean ANTHROPIC_API_KEY?',
  })
})

t.test('a line that is no assignment is refused without being shown: it may be a key', async t => {
  const dir = t.testdir({ '.env': 'sk-ant-secret\n' })
  const error = await t.rejects(read(dir), { message: /\.env:1 is not of the form NAME=value/ })
  t.notMatch(String(error), /sk-ant/)
})

t.test('a folder in its place is an error and not an empty file', async t => {
  const dir = t.testdir({ '.env': {} })
  await chmod(dir, 0o700)
  await t.rejects(read(dir), { message: /cannot read .*\.env: EISDIR/ })
})
