import { mkdir, readFile, rename, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import t from 'tap'
import { must, until } from '../support/stack/process.ts'
import { attachInternet, createTestStack, owner } from '../support/stack/test-stack.ts'

// Before anything is written, as in a shell whose profile sets it: every command below inherits it.
process.umask(0o077)

const stack = await createTestStack(t, {
  start: false,
})
// As `git clone` leaves it under this umask.
await must('chmod', ['-R', 'go=', stack.checkout])
const custom = /^CUSTOM_DIR=(.*)$/m.exec(await readFile(join(stack.checkout, '.env'), 'utf8'))?.[1]
await mkdir(join(custom ?? '', 'bin'))
await writeFile(join(custom ?? '', 'bin/greet'), '#!/bin/sh\necho hello\n', { mode: 0o777 })
await mkdir(join(custom ?? '', 'always-skills'))
await writeFile(join(custom ?? '', 'always-skills/SKILL.md'), 'Be brief: SKILL-OF-077.')

const reached = async (name: string) =>
  (await stack.inside(['curl', '-sSk', '--max-time', '60', `https://${name}/`])).code === 0

t.test('start, run and the additions work in a checkout that only its owner can read', async t => {
  const started = await stack.cli(['start', '--detach', '--worker'])
  t.equal(started.code, 0, started.stderr)
  await attachInternet(stack)
  const run = await stack.cli(['run', '[[bash greet; id -u]]'])
  t.equal(run.stdout, `hello\n${owner}\n`, run.stderr)
  const { findings } = JSON.parse((await stack.cli(['doctor', '--json'])).stdout)
  t.match(
    findings.find(({ id }: { id: string }) => id === 'policy-modes'),
    { severity: 'ok' },
  )
})

t.test('audit attacks the policy in a proxy of its own', async t => {
  const audited = await stack.cli(['audit', '-p', 'N4', '--json'])
  t.match(JSON.parse(audited.stdout), { held: true, probes: [{ id: 'N4' }] }, audited.stderr)
})

t.test('an edit of the policy is read by the proxy', async t => {
  t.notOk(await reached('allowed.test'))
  t.match(await stack.cli(['allow', 'allowed.test']), { code: 0 })
  await until('allowed.test to open', () => reached('allowed.test'))
})

t.test('a policy that an editor closed keeps the old one, and start opens it again', async t => {
  const policy = join(stack.checkout, 'proxy/squid.conf')
  const text = await readFile(policy, 'utf8')
  const added = 'acl allowed_sites dstdomain -n other.test\n'
  await writeFile(
    `${policy}.new`,
    text.replace(/^acl allowed_sites .*\n/m, line => line + added),
  )
  await rename(`${policy}.new`, policy)
  t.match(await stack.cli(['doctor']), { stdout: /the proxy's user cannot read .*squid\.conf/ })
  t.ok(await reached('allowed.test'), 'the policy in force stays')
  const again = await stack.cli(['start', '--detach'])
  t.equal(again.code, 0, again.stderr)
  await until('other.test to open', () => reached('other.test'))
})
