import t from 'tap'
import { parseCall, parseOptions, splitAlias } from '../../../src/git-front/command-line.ts'

t.test('the command is behind the options of git, some of which take a word', async t => {
  t.same(parseCall(['-C', 'a', '-c', 'x=y', '--no-pager', 'switch', '-c', 'b']), {
    globals: ['-C', 'a', '-c', 'x=y', '--no-pager'],
    command: 'switch',
    args: ['-c', 'b'],
  })
  t.equal(parseCall(['--version']), null)
  t.equal(parseCall(['-C', 'switch']), null)
})

t.test('options, their values, words and paths are told apart', async t => {
  const { has, value, words, paths } = parseOptions(
    ['-fdx', '-bname', '--source=HEAD', '--onto', 'main', '--inter', 'word', '--', '-p'],
    '-b --onto',
  )
  t.ok(has('-d') && has('-x') && has('--interactive'))
  t.notOk(has('-p'))
  t.equal(value('-b'), 'name')
  t.equal(value('-s', '--source'), 'HEAD')
  t.equal(value('--onto'), 'main')
  t.same([words, paths], [['word'], ['-p']])
  t.equal(parseOptions(['-qb', 'x', 'y'], '-b').value('-b'), 'x')
  t.same(parseOptions(['-', '--x']).words, ['-'])
})

t.test('an alias is split as git does', async t => {
  t.same(splitAlias(`switch -c "a b" 'c d' e\\ f g"h"`), [
    'switch',
    '-c',
    'a b',
    'c d',
    'e f',
    'gh',
  ])
})
