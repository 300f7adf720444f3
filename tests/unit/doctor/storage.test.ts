import { chmod, mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import t from 'tap'
import { judgeDisk, readSpace } from '../../../src/doctor/capacity.ts'
import {
  judgeAllowlist,
  judgeGrants,
  judgeModes,
  readModes,
} from '../../../src/doctor/configuration.ts'
import { judgeImages } from '../../../src/doctor/images.ts'
import { parseGrants } from '../../../src/egress/grants.ts'

t.test('one line for each disk, with its purposes', async t => {
  const space = (what: string, device: number, free: number, inodes = 1) => ({
    what,
    folder: `/${what}`,
    free,
    inodes,
    device,
  })
  t.match(judgeDisk([space('images', 1, 9e9), space('stacks', 1, 9e9)]), [
    { id: 'disk', severity: 'ok', message: '9.0 GB free for images, stacks (/images)' },
  ])
  const two = judgeDisk([space('images', 1, 4e9), space('stacks', 2, 4e9)])
  t.match(two, [{ severity: 'warning', hint: /^free 5 GB/ }, { severity: 'ok' }])
  t.match(judgeDisk([space('stacks', 1, 1e8)]), [{ severity: 'warning' }])
  t.match(judgeDisk([space('images', 1, 9e9, 0.01)]), [{ severity: 'warning', message: /inodes/ }])
})

t.test('a missing folder is judged by its nearest parent', async t => {
  const folder = t.testdir({})
  const [here, below] = await Promise.all([
    readSpace('stacks', folder),
    readSpace('stacks', join(folder, 'not/there')),
  ])
  t.equal(below.device, here.device)
  t.ok(below.free > 0)
})

t.test('images: missing ones are built, old ones removed, an old base is updated', async t => {
  const now = Date.parse('2026-11-21')
  const facts = { missing: [], baseCreated: now - 86_400_000, stale: [], now }
  t.match(judgeImages(facts), [
    { id: 'images', severity: 'ok' },
    { id: 'image-age', severity: 'ok', message: /1 days old/ },
  ])
  t.match(judgeImages({ ...facts, missing: ['claude'], baseCreated: null }), [
    { severity: 'warning', message: 'missing images: claude', repair: { kind: 'build-images' } },
  ])
  t.match(judgeImages({ ...facts, baseCreated: now - 31 * 86_400_000 })[1], {
    severity: 'warning',
    hint: /run .update/,
  })
  t.equal(judgeImages({ ...facts, baseCreated: now - 30 * 86_400_000 })[1]?.severity, 'ok')
  t.match(judgeImages({ ...facts, stale: ['claude-secure/base:old'] })[2], {
    id: 'old-images',
    repair: { kind: 'remove-images', names: ['claude-secure/base:old'] },
  })
})

t.test('names files that other users can read, with the mode to set', async t => {
  const root = t.testdir({
    '.env': '',
    state: { stacks: { one: { 'credential.json': '' }, two: { 'credential.json': '' } } },
  })
  const state = join(root, 'state')
  for (const [path, mode] of [
    ['.env', 0o600],
    ['state', 0o700],
    ['state/stacks', 0o700],
    ['state/stacks/one', 0o700],
    ['state/stacks/two', 0o700],
    ['state/stacks/one/credential.json', 0o400],
    ['state/stacks/two/credential.json', 0o400],
  ] as const) {
    await chmod(join(root, path), mode)
  }
  const severities = async () => judgeModes(await readModes(root, state)).map(c => c.severity)
  t.same(await severities(), ['ok', 'ok'])
  await chmod(join(state, 'stacks/two/credential.json'), 0o444)
  await chmod(join(state, 'stacks/one'), 0o755)
  await chmod(join(root, '.env'), 0o640)
  const open = judgeModes(await readModes(root, state))
  t.same(
    open.map(({ repair }) => repair),
    [
      { kind: 'set-mode', path: join(root, '.env'), mode: 0o600 },
      { kind: 'set-mode', path: join(state, 'stacks/one'), mode: 0o700 },
      { kind: 'set-mode', path: join(state, 'stacks/two/credential.json'), mode: 0o400 },
    ],
  )
  t.equal(open[2]?.hint, `run chmod 400 ${join(state, 'stacks/two/credential.json')}`)
})

t.test('a missing .env and state folder is ok', async t => {
  const root = t.testdir({})
  await mkdir(join(root, 'empty'))
  const checks = judgeModes(await readModes(root, join(root, 'nothing')))
  t.match(checks, [{ severity: 'ok', message: /\.env does not exist/ }, { severity: 'ok' }])
})

t.test('each finding about the policy names its line', async t => {
  const { readFile } = await import('node:fs/promises')
  const shipped = await readFile(join(import.meta.dirname, '../../../proxy/squid.conf'), 'utf8')
  t.match(judgeAllowlist(shipped, 'x', { verdict: 'refused', reason: 'Bungled line 3' }), [
    { severity: 'refusal', message: /Squid refuses proxy\/squid\.conf: Bungled line 3/ },
  ])
  t.match(judgeAllowlist(shipped, 'x'), [{ severity: 'ok' }])
  const open = shipped.replace('allowed_sites dstdomain -n\n', 'allowed_sites dstdomain -n .com\n')
  t.match(judgeAllowlist(open, 'x'), [
    { severity: 'warning', message: /squid\.conf:5: \.com admits/, hint: 'list single names' },
  ])
  t.throws(() => judgeAllowlist('', 'x'), { name: 'UserError' })
})

t.test('each grant is shown, and a dangerous one is a warning', async t => {
  const here = parseGrants('allow a.test\nallow a.test port 22 no-tls\nallow .github.io\n', 'x')
  t.match(judgeGrants({ checkout: [], here }), [
    { severity: 'warning', message: /this folder's list:3: \.github\.io admits names/ },
    { severity: 'note', message: 'granted: a.test:22, no TLS', hint: /deny --here a\.test/ },
  ])
  const checkout = parseGrants('allow b.test port 22 no-tls\n', 'x')
  t.match(judgeGrants({ checkout, here: [] }), [{ severity: 'note', hint: /deny b\.test/ }])
  t.strictSame(judgeGrants({ checkout: [], here: [] }), [])
})
