import t from 'tap'
import { parse } from 'yaml'
import { renderComposeFile } from '../../../src/engine/compose-file.ts'

t.test('a reader of YAML finds every character of every text', async t => {
  const texts = [
    ...[
      'plain',
      '',
      'yes',
      '012',
      '$$HOME',
      '# no comment',
      '- x',
      '{a: b}',
      'a: b',
      '~',
      "'",
      '"',
    ],
    ...[
      'back\\slash',
      'tab\tnew\nline\r',
      'nul \u0000 bell \u0007',
      'del \u007f',
      'c1 \u0080\u009f',
    ],
    ...['next line \u0085', 'separators \u2028\u2029', 'mark \ufeff', 'none \ufffe\uffff'],
    ...['Grüße', 'プロジェクト', 'emoji 🚀', 'last \u{10ffff}'],
  ]
  const file = { services: { claude: { volumes: texts, environment: { 'ö\u2028': 'x' } } } }
  const text = renderComposeFile(file)
  t.same(parse(text), file)
  t.same(parse(text, { version: '1.1' }), file)
  t.same(JSON.parse(text), file)
})

t.test(
  'nothing in it ends a line for any version of YAML, or is refused as a control character',
  async t => {
    const text = renderComposeFile({ name: '\u0000\u0085\u2028\u2029\ufeff\u007f\u0090\ufffe' })
    t.match(text, /^[\n\x20-\x7e]+$/)
  },
)

t.test('fields without a value are left out', async t => {
  t.same(parse(renderComposeFile({ a: undefined, b: null })), { b: null })
})
