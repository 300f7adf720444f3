import { join } from 'node:path'
import t from 'tap'
import { parseArchitecture, parsePins, readPins } from '../../../src/images/pins.ts'

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
