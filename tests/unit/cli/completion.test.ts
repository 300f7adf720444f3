import t from 'tap'
import { shellWord } from '../../../src/cli/completion.ts'

t.test('a path is a word of every shell, quoted where it holds a space', async t => {
  t.equal(shellWord('/opt/claude-secure/claude.ts'), '/opt/claude-secure/claude.ts')
  t.equal(shellWord('/opt/my tools/claude.ts'), "'/opt/my tools/claude.ts'")
})

t.test('a path that shells would read differently is left out of the script', async t => {
  for (const path of ['/a/$HOME', '/a/`id`', "/a/it's", '/a/"q"', '/a/;id', '/a/\n']) {
    t.equal(shellWord(path), null, path)
  }
})
