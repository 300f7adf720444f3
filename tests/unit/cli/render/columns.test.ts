import t from 'tap'
import { renderColumns, renderField } from '../../../../src/cli/render/columns.ts'

t.test('columns are aligned, also with coloured cells', async t => {
  const paint = (text: string) => `<${text}>`
  const rows = [
    [{ text: 'a' }, { text: 'up', paint }, { text: 'x' }],
    [{ text: 'longer' }, { text: 'stopped', paint }, { text: '' }],
  ]
  t.equal(
    renderColumns(['ID', 'STATE', 'LAST'], rows, text => text),
    'ID      STATE    LAST\na       <up>       x\nlonger  <stopped>',
  )
})

const cells = (...texts: string[]) => texts.map(text => ({ text }))
const same = (text: string) => text
const heading = ['ID', 'FOLDER', 'STATE', 'AT WORK']
const wide = [
  cells(
    '0a1b2c3d',
    '/home/ada/プロジェクト/とても長い名前のフォルダ/🚀🚀/und-noch-ein-Ordner',
    'up',
    '-',
  ),
  cells('11111111', '/srv/short', 'stopped', 'session 5m, 2 runs, postgres, redis, chromium'),
]
/** Columns of each line, counted apart from the renderer: wide characters are two. */
const columnsOf = (text: string) =>
  text
    .split('\n')
    .map(line =>
      [...line].reduce(
        (sum, one) => sum + (/[\u3000-\u9fff\u{1f000}-\u{1ffff}]/u.test(one) ? 2 : 1),
        0,
      ),
    )

t.test('a table fits 80 columns and loses nothing, with wide characters too', async t => {
  const text = renderColumns(heading, wide, same, 80)
  t.ok(
    columnsOf(text).every(columns => columns <= 80),
    text,
  )
  t.match(text.split('\n')[0], /^ID {8}FOLDER +STATE {4}AT WORK$/)
  const joined = text.replace(/\s/g, '')
  for (const part of ['プロジェクト', '🚀🚀', 'stopped', 'postgres,'])
    t.ok(joined.includes(part), part)
  const line = text.split('\n').find(line => line.startsWith('11111111')) ?? ''
  const row = text.split('\n').find(line => line.startsWith('0a1b2c3d')) ?? ''
  t.equal(
    columnsOf(line.slice(0, line.indexOf('stopped')))[0],
    columnsOf(row.slice(0, row.indexOf('up ')))[0],
  )
})

t.test('what fits stays on one line, and a pipe has no width', async t => {
  t.equal(renderColumns(heading, wide, same).split('\n').length, 3)
  t.match(renderColumns(heading, wide, same), /und-noch-ein-Ordner +up +-$/m)
  t.equal(renderColumns(['A', 'B'], [cells('1', '2')], same, 80), 'A  B\n1  2')
})

t.test('in a very narrow terminal each row is a list of fields', async t => {
  for (const width of [10, 20, 30]) {
    const text = renderColumns(heading, wide, same, width)
    t.ok(
      columnsOf(text).every(columns => columns <= width),
      `${width}\n${text}`,
    )
    t.match(text, /ID +0a1b2c3d|ID\n +0a1b2c3d/)
  }
})

t.test('a value wraps below itself, with its colour on every line', async t => {
  const red = (text: string) => `\x1b[31m${text}\x1b[39m`
  t.equal(renderField('name', 'short', { width: 80, column: 6 }), 'name  short')
  t.equal(
    renderField('name', red('one two three four'), { width: 20, column: 6 }),
    `name  ${red('one two three')}\n      ${red('four')}`,
  )
  t.equal(renderField('a-long-name', 'a value', { width: 15, column: 6 }), 'a-long-name\n  a value')
  t.equal(
    renderField('n', 'x'.repeat(200), { width: Number.POSITIVE_INFINITY, column: 3 }),
    `n  ${'x'.repeat(200)}`,
  )
})
