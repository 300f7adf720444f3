import { chmod, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import t from 'tap'
import { findModules } from '../../../../src/workspace/repository/modules.ts'

type Content = NonNullable<Parameters<typeof t.testdir>[0]>
const nested = (depth: number): Content =>
  Object.fromEntries(
    Array.from({ length: depth === 0 ? 0 : 20 }, (_, at) => [
      `m${at}`,
      { HEAD: '', config: '', modules: nested(depth - 1) },
    ]),
  )

t.test('folders that look like submodules start a bounded number of programs', async t => {
  const folder = t.testdir({ w: {}, git: { modules: nested(2) }, bin: {} })
  const calls = join(folder, 'calls')
  await writeFile(join(folder, 'bin/git'), `#!/bin/sh\necho >> '${calls}'\n`)
  await chmod(join(folder, 'bin/git'), 0o755)
  const path = process.env.PATH
  process.env.PATH = `${folder}/bin:${path}`
  t.teardown(() => {
    process.env.PATH = path
  })
  const repository = { kind: 'elsewhere', common: join(folder, 'git'), worktree: null } as const
  t.strictSame(await findModules(join(folder, 'w'), repository), [])
  const { length } = await readFile(calls, 'utf8')
  t.ok(length > 100 && length <= 256, `${length} calls`)
})
