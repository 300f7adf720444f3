import { chmod } from 'node:fs/promises'
import { join } from 'node:path'
import t from 'tap'
import {
  changedPins,
  newestPins,
  parseArchitecture,
  parsePins,
  readPins,
  withClaudeVersion,
  writePins,
} from '../../../src/images/pins.ts'

const root = join(import.meta.dirname, '../../..')

t.test('the shipped pins are complete', async t => {
  const pins = await readPins(root)
  t.match(pins.claude.x64.name, /claude-code-linux-x64$/)
  t.match(pins.claude.arm64.name, /claude-code-linux-arm64$/)
  t.equal(pins.claude.x64.version, pins.claude.arm64.version)
  t.equal(pins.node.x64.version.split('.')[0], '24')
  t.equal(pins.node.arm64.version.split('.')[0], '24')
})

t.test('an incomplete pin is refused, with the command to restore it', async t => {
  const pins = await readPins(root)
  const npm = (change: object) => JSON.stringify({ ...pins, npm: { ...pins.npm, ...change } })
  const refused = {
    message: /\/x\/pins\.json is not valid/,
    hint: /git -C \/x checkout pins\.json/,
  }
  t.throws(() => parsePins(npm({ integrity: 'sha1-abc' }), '/x/pins.json'), refused)
  t.throws(() => parsePins(npm({ integrity: '' }), '/x/pins.json'), refused)
  t.throws(() => parsePins(npm({ version: 'latest' }), '/x/pins.json'), refused)
  t.throws(() => parsePins(npm({ name: 'npm --registry=x' }), '/x/pins.json'), refused)
  t.throws(() => parsePins(npm({ extra: 1 }), '/x/pins.json'), refused)
  t.throws(() => parsePins('{', '/x/pins.json'), refused)
})

t.test('an unsupported architecture is refused', async t => {
  t.equal(parseArchitecture('arm64'), 'arm64')
  t.throws(() => parseArchitecture('riscv64'), { message: /riscv64.*x64 and arm64/ })
})

const integrity = `sha512-${'A'.repeat(86)}==`

async function fakeNpm(folder: string, script: string) {
  await chmod(join(folder, 'npm'), 0o755)
  return { npm: join(folder, 'npm'), script }
}

t.test('newer pins are found and named with before and after', async t => {
  const folder = t.testdir({
    npm: `#!/bin/sh\necho '{"version":"99.1.2","dist.integrity":"${integrity}"}'\n`,
  })
  const { npm } = await fakeNpm(folder, '')
  const before = await readPins(root)
  const after = await newestPins(before, { today: '2030-01-31', npm })
  t.equal(after.claude.arm64.version, '99.1.2')
  t.equal(after.claude.arm64.name, before.claude.arm64.name)
  t.equal(after.npm.integrity, integrity)
  const changes = changedPins(before, after)
  t.equal(changes.length, 6)
  t.match(changes, [
    { name: before.claude.x64.name, before: before.claude.x64.version, after: '99.1.2' },
  ])
  t.same(changedPins(before, before), [])
})

t.test('a registry that does not answer leaves the pins unchanged and is reported', async t => {
  const folder = t.testdir({ npm: '#!/bin/sh\necho "npm error code ECONNREFUSED" >&2\nexit 1\n' })
  const { npm } = await fakeNpm(folder, '')
  await t.rejects(newestPins(await readPins(root), { today: '2030-01-31', npm }), {
    message: /has no .*: code ECONNREFUSED/,
    hint: /npm ping/,
  })
})

t.test('an invalid --claude-version is wrong usage', async t => {
  await t.rejects(withClaudeVersion(await readPins(root), '--registry=http://evil.test'), {
    message: /is not a version/,
    exitCode: 2,
  })
})

t.test('pins survive being written', async t => {
  const pins = await readPins(root)
  const folder = t.testdir({})
  await writePins(folder, pins)
  t.same(await readPins(folder), pins)
})
