import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import t from 'tap'
import {
  readDefaultReversePath,
  readReversePath,
  turnOnReversePath,
} from '../../../src/machine/reverse-path.ts'

/** The kernel's folder, with these values of rp_filter. */
const kernel = (values: Record<string, string>) =>
  Object.fromEntries(
    Object.entries(values).map(([name, value]) => [
      name,
      { rp_filter: `${value}\n`, arp_ignore: '0\n' },
    ]),
  )

t.test('the filter is on by the interface or by all interfaces', async t => {
  const folder = t.testdir(kernel({ all: '0', strict: '1', loose: '2', off: '0', odd: 'x' }))
  t.equal(await readReversePath('strict', folder), true)
  t.equal(await readReversePath('loose', folder), true)
  t.equal(await readReversePath('off', folder), false)
  t.equal(await readReversePath('odd', folder), false, 'an unknown value is not the filter')
  t.equal(await readReversePath('elsewhere', folder), null)
  const everywhere = t.testdir(kernel({ all: '1', off: '0', default: '0' }))
  t.equal(await readReversePath('off', everywhere), true)
  t.equal(await readDefaultReversePath(everywhere), true)
})

t.test('turning it on also ends the answers to ARP', async t => {
  const folder = t.testdir(kernel({ all: '0', bridge: '0' }))
  await turnOnReversePath('bridge', folder)
  t.equal(await readReversePath('bridge', folder), true)
  t.equal((await readFile(join(folder, 'bridge/arp_ignore'), 'utf8')).trim(), '8')
})

t.test('an interface that is not there is not made up', async t => {
  const folder = t.testdir(kernel({ all: '0' }))
  await turnOnReversePath('gone', folder)
  t.equal(await readReversePath('gone', folder), null)
})
