import t from 'tap'
import { activeSites, parseAllowlist } from '../../../src/egress/allowlist.ts'
import { expiryOf, isOver, untilText } from '../../../src/egress/list-entries.ts'
import { exec, execOk } from '../../../src/process/exec.ts'

const expiry = new URL('../../../proxy/expiry', import.meta.url).pathname
const now = '2026-11-21T12:00:00Z'
const rest = ['gateway_sites', 'server_sites', 'login_sites']
  .map(list => `acl ${list} dstdomain -n\n`)
  .join('')

/** The names that the proxy would enforce; null where it refuses the file. */
async function inProxy(text: string) {
  const args = ['-v', `now=${now}`, '-f', expiry]
  const { code, stdout } = await exec('awk', args, { input: text })
  return code === 0 ? parseAllowlist(stdout).agent.map(({ name }) => name) : null
}

function onHost(text: string) {
  try {
    return activeSites(parseAllowlist(text).agent, new Date(now)).map(({ name }) => name)
  } catch {
    return null
  }
}

const line = 'acl allowed_sites dstdomain -n a.test'
const cases: [string, string[] | null][] = [
  [line, ['a.test']],
  [`${line} # for npm`, ['a.test']],
  [`${line} # until 2026-11-21T12:00:01Z`, ['a.test']],
  [`${line} #until 2026-11-21T12:00:01Z`, ['a.test']],
  [`${line}\t#  until\t2030-01-01T00:00:00Z for npm`, ['a.test']],
  [`${line} # until 2026-11-21T12:00:00Z`, []],
  [`${line} # until 2025-12-31T23:59:59Z`, []],
  [`${line} b.test # until 2025-12-31T23:59:59Z`, []],
  [`  ${line} # until 2025-12-31T23:59:59Z\r`, []],
  [`${line} # note # until 2025-12-31T23:59:59Z`, []],
  [`# ${line} # until tomorrow`, []],
  [`${line} # until tomorrow`, null],
  [`${line} # until`, null],
  [`${line} # until: 2030-01-01T00:00:00Z`, null],
  [`${line} # Until 2030-01-01T00:00:00Z`, null],
  [`${line} # until 2030-13-01T00:00:00Z`, null],
  [`${line} # until 2030-01-01`, null],
  [`${line} # until 2030-01-01T00:00:00+02:00`, null],
  [`${line} # until 2030-01-01T00:00:00Z \\\n b.test`, null],
  [`acl allowed_sites dstdomain -n \\\n a.test # until 2030-01-01T00:00:00Z`, null],
  [`http_access deny all # until 2030-01-01T00:00:00Z`, null],
]
for (const [text, names] of cases) {
  t.test(`proxy and control script agree: ${JSON.stringify(text)}`, async t => {
    const file = `acl allowed_sites dstdomain -n\n${text}\n${rest}`
    t.strictSame(onHost(file), names, 'control script')
    t.strictSame(await inProxy(file), names, 'proxy')
  })
}

t.test('the proxy knows when to look again, and leaves all other lines as they are', async t => {
  const folder = t.testdir({})
  const text = `# until the end\nvia off # whatever\n${line} # until 2027-01-01T00:00:00Z\n${line} # until 2026-12-01T00:00:00Z\n`
  const args = ['-v', `now=${now}`, '-v', `next_file=${folder}/next`, '-f', expiry]
  t.equal((await execOk('awk', args, { input: text })).stdout, text)
  t.equal((await execOk('cat', [`${folder}/next`])).stdout, '2026-12-01T00:00:00Z')
})

t.test('a moment and its text', async t => {
  t.equal(untilText(new Date('2026-11-21T12:00:00.999Z')), now)
  t.equal(expiryOf(`${line} # until ${now}`), now)
  t.ok(isOver(now, new Date(now)))
  t.notOk(isOver(now, new Date('2026-11-21T11:59:59Z')))
  t.notOk(isOver(undefined, new Date(now)))
})
