import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import t from 'tap'
import { temporaryFolder } from '../support/stack/checkout.ts'
import { must } from '../support/stack/process.ts'
import { attachInternet, createTestStack, owner } from '../support/stack/test-stack.ts'

const data = await temporaryFolder(t, 'data')
for (const name of ['given', 'read']) {
  await mkdir(join(data, name))
  await writeFile(join(data, name, 'file.txt'), `${name}\n`)
}
await must('chown', ['-R', `${owner}:${owner}`, data])

const stack = await createTestStack(t, {
  start: false,
  settings: {
    CLAUDE_ENV_GREETING: '"hello $HOME, it\'s me"',
    CLAUDE_MOUNT_GIVEN: `${data}/given:/mnt/given`,
    CLAUDE_MOUNT_READ: `${data}/read:/mnt/read:ro`,
    CLAUDE_MOUNT_SAME: `${data}/read`,
  },
})
const started = await stack.cli(['start', '--detach', '--worker'])
if (started.code !== 0) throw new Error(started.stderr)
await attachInternet(stack)

for (const service of ['claude', 'worker']) {
  const sh = (script: string) => stack.inside(['sh', '-c', script], { service })

  t.test(`${service}: a variable of the user's own, as it was written`, async t => {
    t.equal((await sh('printf %s "$GREETING"')).stdout, "hello $HOME, it's me")
  })

  t.test(`${service}: folders of the user's own, and :ro is read-only`, async t => {
    t.equal((await sh('cat /mnt/given/file.txt /mnt/read/file.txt')).stdout, 'given\nread\n')
    t.equal((await sh(`echo written > /mnt/given/${service}`)).code, 0)
    const refused = await sh('echo written > /mnt/read/new')
    t.not(refused.code, 0)
    t.match(refused.stderr, /Read-only file system/)
    t.equal((await sh('rm -f /mnt/read/file.txt; mount -o remount,rw /mnt/read')).code !== 0, true)
  })

  t.test(`${service}: without a place it is seen where the host has it`, async t => {
    t.equal((await sh(`cat ${data}/read/file.txt`)).stdout, 'read\n')
  })
}

t.test('start says what the agent can write, and the audit knows what was declared', async t => {
  t.match(started.stderr, /CLAUDE_MOUNT_.* lets the agent write in \S+given, \S+read: /)
  const audit = await stack.cli(['audit', '--json', '--probe', 'C2'], { timeout: 300_000 })
  const [probe] = JSON.parse(audit.stdout).probes
  const verdicts = new Map<string, string>(
    probe.checks.map(({ claim, verdict }: { claim: string; verdict: string }) => [claim, verdict]),
  )
  t.equal(verdicts.get('nothing is mounted but what the design says'), 'held', audit.stdout)
  t.equal(verdicts.get('what is mounted to be read cannot be written'), 'held')
  t.equal(verdicts.get('of the host the agent writes the workspace alone'), 'weak')
})
