import t from 'tap'
import {
  parseProtect,
  parseProtectAlso,
  protectedNames,
} from '../../../src/config/protected-names.ts'
import { Settings } from '../../../src/config/settings.ts'

t.test('all, none, or a list of what is given up', async t => {
  t.same(parseProtect('all'), [])
  t.same(parseProtect('none'), protectedNames)
  t.same(parseProtect('-.vscode, -.idea'), ['.vscode', '.idea'])
})

t.test('a name that is none is refused, with the names there are', async t => {
  for (const value of ['-.vscod', '.vscode', 'all,-.git', '-.vscode,', 'off']) {
    const result = Settings.safeParse({ PROTECT: value })
    t.match(result.error?.issues[0]?.message, /must be all, none .* \.git .*\.mcp\.json/, value)
  }
  t.equal(Settings.parse({}).PROTECT, 'all')
})

t.test(
  'PROTECT_ALSO takes names at the top of a folder, and nothing that could be more',
  async t => {
    t.same(parseProtectAlso('.tool, run.sh,,.tool'), ['.tool', 'run.sh'])
    t.same(parseProtectAlso(''), [])
    for (const value of ['a/b', '..', '.', '-x', '.git', '.vscode', 'a\nb', 'commondir', '/etc']) {
      t.equal(parseProtectAlso(value), null, value)
      t.notOk(Settings.safeParse({ PROTECT_ALSO: `x,${value}` }).success, value)
    }
    t.equal(parseProtectAlso(Array.from({ length: 51 }, (_, i) => `n${i}`).join()), null)
  },
)
