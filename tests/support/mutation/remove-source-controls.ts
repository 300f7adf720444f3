import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Test } from 'tap'
import { copySources, runTestFile } from './source-checkout.ts'
import { sourceTables } from './source-tables.ts'

/** Seconds for a test that has all its controls, on a busy machine. */
const limit = 300

/** Takes one control of the table out of the code at a time, and asserts that its test fails. */
export function removeSourceControls(t: Test, table: keyof typeof sourceTables): void {
  const controls = sourceTables[table]
  t.test('a test notices each removed control of the code', { timeout: 1_800_000 }, async t => {
    const checkout = await copySources(t)
    const whole = new Map<string, number>()
    for (const test of new Set(controls.map(({ test }) => test))) {
      t.test(`with all controls ${test} passes`, async t => {
        const start = performance.now()
        const { passed, output } = await runTestFile(checkout, test, limit)
        whole.set(test, (performance.now() - start) / 1000)
        t.ok(passed, output.slice(-2_000))
      })
    }
    for (const { control, file, remove, test } of controls) {
      t.test(`without "${control}"`, async t => {
        const path = join(checkout, file)
        const text = await readFile(path, 'utf8')
        const [from, to] = remove
        t.equal(text.split(from).length, 2, 'it is stated once')
        await writeFile(
          path,
          text.replace(from, () => to),
        )
        // Without its control a test may wait for ever, but must not fail because it is a slow one.
        const seconds = Math.max(20, Math.ceil(4 * (whole.get(test) ?? limit)))
        const run = runTestFile(checkout, test, Math.min(seconds, limit))
        // Also after a failure: the rows behind it would run without this control too.
        const { passed, output } = await run.finally(() => writeFile(path, text))
        t.notOk(passed, `${test} passes`)
        t.ok(output.includes('not ok'), 'by an assertion')
      })
    }
  })
}
