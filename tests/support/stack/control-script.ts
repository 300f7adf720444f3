import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Test } from 'tap'
import { copyCheckout, temporaryFolder } from './checkout.ts'
import { must, type Outcome, run } from './process.ts'
import { cliEnvironment, owner } from './test-stack.ts'

export type ControlScript = {
  checkout: string
  /** An empty folder of an ordinary user. */
  workspace: string
  env: Record<string, string>
  run: (
    args: readonly string[],
    more?: { env?: Record<string, string>; cwd?: string; timeout?: number; input?: string },
  ) => Promise<Outcome>
  /** Writes a file of the checkout for the time of a test, then puts back what was there. */
  edit: (t: Test, path: string, change: (text: string) => string) => Promise<void>
}

/** claude.ts in a checkout of its own with state, cache and workspace of its own, and no stack. */
export async function createControlScript(t: Test): Promise<ControlScript> {
  const checkout = await copyCheckout(t)
  const workspace = await temporaryFolder(t, 'workspace')
  await must('chown', [`${owner}:${owner}`, workspace])
  const env: Record<string, string> = {
    ...cliEnvironment(await temporaryFolder(t, 'state')),
    XDG_CACHE_HOME: await temporaryFolder(t, 'cache'),
  }
  return {
    checkout,
    workspace,
    env,
    run: (args, more = {}) =>
      run(join(checkout, 'claude.ts'), args, {
        cwd: workspace,
        ...more,
        env: { ...env, ...more.env },
      }),
    async edit(t, path, change) {
      const file = join(checkout, path)
      const before = await readFile(file, 'utf8').catch(() => '')
      t.teardown(() => writeFile(file, before))
      await writeFile(file, change(before), { mode: 0o600 })
    },
  }
}

/** How every failure looks: what, with which value; the next step; exit 1; and nothing else. */
export function isTwoLines(
  t: Test,
  outcome: Outcome,
  expected: { error: RegExp; hint: RegExp; code?: number },
) {
  const { code, stderr } = outcome
  const lines = stderr.trimEnd().split('\n')
  t.equal(code, expected.code ?? 1, stderr)
  t.match(lines.at(-2), /^error: /, stderr)
  t.match(lines.at(-2), expected.error, stderr)
  t.match(lines.at(-1), /^hint: {2}/, stderr)
  t.match(lines.at(-1), expected.hint, stderr)
  t.notMatch(stderr, /^\s+at .*[:(]/m, 'no stack trace')
  t.notMatch(stderr, /this is a bug/, 'it was expected')
}
