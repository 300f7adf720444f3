import t from 'tap'
import { parsePackages } from '../../../src/config/package-names.ts'

t.test('names and versions, each once, in a stable order', async t => {
  t.same(parsePackages('hello g++, bc'), ['bc', 'g++', 'hello'])
  t.same(parsePackages(' bc  bc\tlibstdc++6 '), ['bc', 'libstdc++6'])
  t.same(parsePackages('hello=2.10-5 tool=1:2.0~rc1+b2'), ['hello=2.10-5', 'tool=1:2.0~rc1+b2'])
  t.same(parsePackages('0ad r8'), ['0ad', 'r8'])
})

t.test('what apt or a shell would take for something else is no name', async t => {
  for (const value of [
    'hello;id',
    '$(id)',
    '`id`',
    'a|b',
    'a>b',
    "'a'",
    '-oDir=/x',
    '--allow-unauthenticated',
    'hello-',
    'hello/sid',
    'lib*',
    'lib?',
    'hello:arm64',
    '/tmp/x.deb',
    './x.deb',
    '../x.deb',
    '^hello$',
    '~nhello',
    'hello=',
    'hello=-1',
    'Hello',
    'hello=1\u0000',
    'hällo',
    'x'.repeat(201),
  ]) {
    t.equal(parsePackages(value), null, value)
    t.equal(parsePackages(`bc ${value}`), null, value)
  }
  t.equal(
    parsePackages(Array.from({ length: 201 }, (_, index) => `package${index}`).join(' ')),
    null,
  )
})
