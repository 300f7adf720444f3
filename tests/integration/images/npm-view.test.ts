import { chmodSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { newestUntil, parseView, viewPackage } from '../../../src/images/npm-view.ts'

const integrity = `sha512-${'A'.repeat(86)}==`
const pin = { name: 'npm', version: '2.0.0', integrity: `sha512-${'B'.repeat(86)}==` }
const now = () => new Date('2026-11-29T12:00:00Z')
const published = {
  versions: ['1.9.0', '2.0.0', '2.0.1', '2.1.0', '2.1.1-rc.1', '2.2.0', '9.0.0'],
  time: {
    created: '2020-01-01T00:00:00Z',
    modified: '2020-01-01T00:00:00Z',
    '1.9.0': '2026-01-01T00:00:00Z',
    '2.0.0': '2026-02-01T00:00:00Z',
    '2.0.1': '2026-11-01T00:00:00Z',
    '2.0.9': '2026-11-02T00:00:00Z',
    '2.1.0': '2026-11-22T12:00:00Z',
    '2.1.1-rc.1': '2026-11-22T12:00:00Z',
    '2.2.0': '2026-11-29T11:00:00Z',
    '9.0.0': '2026-01-01T00:00:00Z',
  },
}

/** An npm that answers for `npm@2`, for single versions and for the publish times. */
function registry(t: Test, all: object | null = published) {
  const answer = (version: string) => JSON.stringify({ version, 'dist.integrity': integrity })
  const folder = t.testdir({
    npm: `#!/bin/sh
echo "$2" >> "\${0%/*}/asked"
case "$2" in
  npm@2) echo '${answer('2.2.0')}' ;;
  npm@*) echo '{"version":"'"\${2#npm@}"'","dist.integrity":"${integrity}"}' ;;
  npm) echo '${JSON.stringify(all)}' ;;
esac
`,
  })
  chmodSync(join(folder, 'npm'), 0o755)
  return {
    npm: join(folder, 'npm'),
    asked: () => readFileSync(join(folder, 'asked'), 'utf8').trim().split('\n'),
  }
}

t.test("takes the newest release regardless of the registry's order", async t => {
  const of = (...versions: string[]) =>
    JSON.stringify(versions.map(version => ({ version, 'dist.integrity': integrity })))
  t.equal(parseView(of('24.9.0', '24.21.0', '24.8.0'))?.version, '24.21.0')
  t.equal(parseView(of('24.9.0', '24.22.0-rc.1'))?.version, '24.9.0', 'no release candidate')
  t.equal(
    parseView(JSON.stringify({ version: '2.1.330', 'dist.integrity': integrity }))?.version,
    '2.1.330',
  )
  t.equal(parseView('[]'), null)
  t.equal(parseView('npm error'), null)
})

t.test('without a cool-down the newest release is taken, whatever its age', async t => {
  const { npm, asked } = registry(t)
  t.match(await viewPackage(pin, '2', { npm, now }), { version: '2.2.0', integrity })
  t.same(asked(), ['npm@2'], 'publish times are not asked for')
})

t.test('a version younger than the cool-down is not taken, but the newest older one', async t => {
  const { npm } = registry(t)
  const of = async (minimumAgeDays: number) =>
    (await viewPackage(pin, '2', { npm, now, minimumAgeDays })).version
  t.equal(await of(1), '2.1.0', 'no release candidate, and nothing above the newest of the range')
  t.equal(await of(7), '2.1.0', 'on the day')
  t.equal(await of(8), '2.0.1', '2.0.9 was withdrawn')
})

t.test('without a version that is old enough the pin stays as it is', async t => {
  const { npm } = registry(t)
  t.same(await viewPackage(pin, '2', { npm, now, minimumAgeDays: 60 }), pin)
})

t.test('a registry without publish times is refused: nothing shows the age', async t => {
  const { npm } = registry(t, { versions: ['2.2.0'] })
  await t.rejects(viewPackage(pin, '2', { npm, now, minimumAgeDays: 1 }), {
    message: /does not say when npm was published/,
    hint: /UPDATE_MIN_AGE_DAYS=0/,
  })
})

t.test('an unreadable time is not old enough', async t => {
  const between = { above: '1.0.0', upTo: '3.0.0' }
  for (const time of ['', 'yesterday', '9999-01-01T00:00:00Z']) {
    t.equal(newestUntil({ versions: ['2.0.0'], time: { '2.0.0': time } }, 1e12, between), null)
  }
})
