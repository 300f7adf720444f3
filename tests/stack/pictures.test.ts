import { readFile } from 'node:fs/promises'
import t from 'tap'
import { parseRecording, parseScript, renderRecording } from '../support/picture/recording.ts'
import { createScreen } from '../support/picture/screen.ts'
import { renderSvg } from '../support/picture/svg.ts'

const top = new URL('../../', import.meta.url)

t.test('the picture in the README is drawn from the recording beside it', async t => {
  const cast = await readFile(new URL('docs/pictures/demo.cast', top), 'utf8')
  const svg = await readFile(new URL('docs/pictures/demo.svg', top), 'utf8')
  t.ok(renderSvg(parseRecording(cast)) === svg, 'else: record.ts docs/pictures/demo')
  t.match(await readFile(new URL('README.md', top), 'utf8'), 'docs/pictures/demo.svg')
  t.match(cast, '/claude.ts demo --yes')
  t.match(svg, 'refused')
})

t.test('a picture loads nothing and runs nothing', async t => {
  const output = [{ at: 1, text: '<script>&"</script>\u001b]8;;https://evil.test\u0007x\r\n' }]
  const svg = renderSvg({ columns: 80, command: '<b>&', output })
  t.notMatch(svg, /<script|<b>|https:\/\/evil|href|url\(/)
  t.match(svg, '&#60;script&#62;&#38;&#34;&#60;/script&#62;x')
})

t.test('a replaced line is shown for as long as it was on the screen', async t => {
  const output = [
    { at: 1, text: '… working' },
    { at: 2, text: '\r\u001b[K\u001b[32m✓\u001b[39m done\r\n' },
  ]
  const svg = renderSvg({ columns: 80, command: 'x', output })
  t.match(svg, /class="gone t1000-2000".*… working/)
  t.match(svg, /class="t2000-".*fill="#3fb950".*✓/)
})

t.test('the screen keeps colours, erases, wraps, and drops what it does not know', async t => {
  const screen = createScreen(4)
  screen.write('\u001b[1mab\u001b[22mcdef\r\nxxx\rz\u001b[K\u001b]0;title\u0007\u001b[?25l\u0001')
  t.strictSame(screen.rows(), [
    [{ bold: true, text: 'ab' }, { text: 'cd' }],
    [{ text: 'ef' }],
    [{ text: 'z' }],
  ])
})

t.test('the files of script become a recording, also where a character was cut in two', async t => {
  const bytes = Buffer.from('Script started on …\nab✓c\n')
  const output = parseScript(bytes, '0.5 3\n0.25 4\n')
  t.strictSame(output, [
    { at: 0.5, text: 'ab' },
    { at: 0.75, text: '✓c\n' },
  ])
  const recording = { columns: 100, command: 'x', output }
  t.strictSame(parseRecording(renderRecording(recording)), recording)
})
