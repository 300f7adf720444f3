import t from 'tap'
import { calledAs } from '../../../src/cli/called-as.ts'

const PATH = '/usr/local/bin:/usr/bin'
const as = (called: string | undefined) =>
  calledAs({ PATH, ...(called !== undefined && { CLAUDE_SECURE_CALLED: called }) })

t.test('a command in a message is written as the user called it', async t => {
  for (const [called, expected] of [
    ['./claude.ts', './claude.ts'],
    ['../tools/claude.ts', '../tools/claude.ts'],
    ['/opt/claude-secure/claude.ts', '/opt/claude-secure/claude.ts'],
    ['/usr/local/bin/claude-secure', 'claude-secure'],
    ['/usr/local/bin/cs', 'cs'],
    ['./build.ts', './claude.ts'],
    ['/opt/claude-secure/build.ts', '/opt/claude-secure/claude.ts'],
    ['/opt/my tools/claude.ts', "'/opt/my tools/claude.ts'"],
    ["/opt/it's/claude.ts", "'/opt/it'\\''s/claude.ts'"],
    ['/opt/$(id)/claude.ts', "'/opt/$(id)/claude.ts'"],
  ]) {
    t.equal(as(called), expected)
  }
})

t.test(
  'without the launcher, or with a name that no terminal shows, it is the usual one',
  async t => {
    t.equal(as(undefined), './claude.ts')
    t.equal(as('/opt/\u001b[31m/claude.ts'), './claude.ts')
  },
)
