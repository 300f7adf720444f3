import t from 'tap'
import { parseSquidConf } from '../../../src/egress/squid-conf.ts'

t.test('comments and blank lines are left out, words keep their line', async t => {
  const text = '# a comment\n\n  acl a dstdomain  -n x.test # why\nvia off\r\n'
  t.strictSame(parseSquidConf(text), [
    { line: 3, words: ['acl', 'a', 'dstdomain', '-n', 'x.test'] },
    { line: 4, words: ['via', 'off'] },
  ])
})

t.test('a # inside a word is no comment: %# in a log format stays', async t => {
  t.strictSame(parseSquidConf('logformat x %#rm'), [{ line: 1, words: ['logformat', 'x', '%#rm'] }])
})

t.test('a continued line is one directive', async t => {
  t.strictSame(parseSquidConf('acl a dstdomain -n \\\n  x.test \\\n  y.test\nvia off'), [
    { line: 1, words: ['acl', 'a', 'dstdomain', '-n', 'x.test', 'y.test'] },
    { line: 4, words: ['via', 'off'] },
  ])
})

t.test('refuses a last line that ends with a backslash', async t => {
  t.throws(() => parseSquidConf('acl a dstdomain -n x.test \\'), /line 1: .*ends with a backslash/)
})

for (const line of ['include /etc/more.conf', 'if true', 'else', 'endif']) {
  t.test(`${line} is refused: the policy would no longer be in this file alone`, async t => {
    t.throws(() => parseSquidConf(`via off\n${line}\n`, 'x.conf'), {
      message: new RegExp(`^x\\.conf line 2: .*: ${line}$`),
      hint: /one line per name/,
    })
  })
}
