import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import t from 'tap'
import { hostPrograms, namesOf } from '../../src/config/host-programs.ts'
import { protectedNames, withdrawnNames } from '../../src/config/protected-names.ts'
import { isHostFile } from '../../src/workspace/host-files/kinds.ts'
import { withheldNames } from '../../src/workspace/protected-paths.ts'

const guards = {
  mounted: 'read-only, with a placeholder',
  moved: 'read-only where it exists, moved away if it appears',
  approved: 'read-only where it exists, approved by you before it takes effect',
  withheld: 'listed, withheld by `apply`',
  told: 'listed',
} as const

t.test('docs/host-files.md has each row of the table, in order', async t => {
  const text = await readFile(join(import.meta.dirname, '../../docs/host-files.md'), 'utf8')
  const found = [...text.matchAll(/^\| (`.+`) \| (.+) \| (.+) \| (.+) \|$/gm)].map(
    ([, files = '', program, when, guard]) =>
      `${files.replaceAll('`', '')}|${program}|${when}|${guard}`,
  )
  t.same(
    found,
    hostPrograms.map(
      ({ files, program, when, guard }) =>
        `${files.split(/\s+/).join(' ')}|${program}|${when}|${guards[guard]}`,
    ),
  )
})

t.test('each name of the table is listed when it changes, and no name is in two rows', async t => {
  const names = hostPrograms.flatMap(namesOf)
  t.equal(new Set(names).size, names.length)
  for (const name of names) {
    const path = name.replaceAll('*', 'x')
    if (name !== '.git') t.ok(isHostFile(`sub/${path}`, { executable: false }), name)
  }
})

t.test(
  'what runs by itself or after a yes is guarded, or states why it is only listed',
  async t => {
    const listed = hostPrograms.filter(
      ({ when, guard }) => when !== 'on a command' && guard === 'told',
    )
    t.same(
      listed.map(({ program }) => program),
      [
        'hooks of git, where they are installed',
        'editors',
        'linters and formatters, also of editors',
        'agents, as instructions',
      ],
      'a new row of this kind needs a reason in docs/host-files.md',
    )
  },
)

t.test('PROTECT, apply and the end of a session know the guarded names', async t => {
  const guarded = hostPrograms.filter(({ guard }) => guard !== 'told').flatMap(namesOf)
  t.same([...protectedNames, '.husky'].sort(), guarded.sort())
  t.same(['.git', ...withheldNames].sort(), guarded)
  t.ok(withdrawnNames.includes('.cursor') && withdrawnNames.includes('.hg'))
})
