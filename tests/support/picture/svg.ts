import type { Recording } from './recording.ts'
import { createScreen, type Span, type Style } from './screen.ts'

const cell = { width: 8.4, height: 19 }
const margin = { left: 16, top: 44, bottom: 16 }
const colours = [
  ['#484f58', '#ff7b72', '#3fb950', '#d29922', '#58a6ff', '#bc8cff', '#39c5cf', '#b1bac4'],
  ['#6e7681', '#ffa198', '#56d364', '#e3b341', '#79c0ff', '#d2a8ff', '#56d4dd', '#f0f6fc'],
].flat()

/** Pieces of output that come within this time are one picture. */
const frameSeconds = 0.08
const lastPictureSeconds = 12

/** One row as it was for some time; without `to` it stayed to the end. */
interface Version {
  row: number
  spans: Span[]
  from: number
  to?: number
}

/**
 * Draws a recording as an SVG that plays in a loop. A viewer without animations, or a reader who asked for
 * none, sees the last picture. The same recording always gives the same text.
 */
export function renderSvg(recording: Recording): string {
  const versions = rowVersions(recording)
  const seconds = (recording.output.at(-1)?.at ?? 0) + lastPictureSeconds
  const rowCount = 1 + Math.max(0, ...versions.map(({ row }) => row))
  const width = Math.round(recording.columns * cell.width + 2 * margin.left)
  const height = margin.top + rowCount * cell.height + margin.bottom

  const times = [...new Set(versions.map(span => interval(span)))]
  const animations = times.filter(name => name !== '0-').map(name => keyframes(name, seconds))
  const texts = versions.map(
    version =>
      `<text${classes(version)} y="${y(version.row)}">${spansMarkup(version.spans)}</text>`,
  )
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" width="${width}" height="${height}" role="img" xml:space="preserve">
<title>${xml(recording.command)}</title>
<style>
text { font: 14px ui-monospace, SFMono-Regular, Menlo, Consolas, "DejaVu Sans Mono", monospace; fill: #c9d1d9; white-space: pre }
.gone { visibility: hidden }
@media (prefers-reduced-motion: no-preference) {
${animations.join('\n')}
}
</style>
<rect x="0.5" y="0.5" width="${width - 1}" height="${height - 1}" rx="8" fill="#0d1117" stroke="#6e7681"/>
<circle cx="22" cy="20" r="6" fill="#ff5f57"/><circle cx="42" cy="20" r="6" fill="#febc2e"/><circle cx="62" cy="20" r="6" fill="#28c840"/>
${texts.join('\n')}
</svg>
`
}

function rowVersions({ columns, command, output }: Recording): Version[] {
  const screen = createScreen(columns)
  screen.write(`\u001b[32m$\u001b[39m \u001b[1m${command}\u001b[22m\r\n`)
  const done: Version[] = []
  const present = new Map<number, Version>()
  const look = (at: number) => {
    const rows = screen.rows()
    for (let row = 0; row < Math.max(rows.length, present.size); row++) {
      const spans = rows[row] ?? []
      const before = present.get(row)
      if (before !== undefined && JSON.stringify(before.spans) === JSON.stringify(spans)) continue
      if (before !== undefined) done.push({ ...before, to: at })
      present.set(row, { row, spans, from: at })
    }
  }
  look(0)
  for (const [index, { at, text }] of output.entries()) {
    screen.write(text)
    const next = output[index + 1]
    if (next === undefined || next.at - at >= frameSeconds) look(at)
  }
  return [...done, ...present.values()]
    .filter(({ spans }) => spans.length > 0)
    .sort((a, b) => a.row - b.row || a.from - b.from)
}

const interval = ({ from, to }: Version) =>
  `${milliseconds(from)}-${to === undefined ? '' : milliseconds(to)}`
const milliseconds = (seconds: number) => Math.round(seconds * 1000)

function classes(version: Version): string {
  const gone = version.to === undefined ? [] : ['gone']
  const animated = interval(version) === '0-' ? [] : [`t${interval(version)}`]
  const names = [...gone, ...animated]
  return names.length === 0 ? '' : ` class="${names.join(' ')}"`
}

function keyframes(name: string, seconds: number): string {
  const [from = 0, to] = name
    .split('-')
    .map(part => (part === '' ? undefined : Number(part) / 1000))
  const percent = (at: number) => `${Math.round((at / seconds) * 100000) / 1000}%`
  const steps = [
    from > 0 ? '0% { visibility: hidden } ' : '',
    `${percent(from)} { visibility: visible } `,
    to === undefined ? '' : `${percent(to)} { visibility: hidden } `,
  ].join('')
  return `@keyframes k${name} { ${steps}} .t${name} { animation: k${name} ${seconds}s step-end infinite }`
}

function spansMarkup(spans: Span[]): string {
  let column = 0
  return spans
    .map(span => {
      const text = span.text.trimStart()
      const length = [...text].length
      const indent = [...span.text].length - length
      const x = margin.left + (column + indent) * cell.width
      column += indent + length
      if (text === '') return ''
      const fixed = `x="${round(x)}" textLength="${round(length * cell.width)}" lengthAdjust="spacingAndGlyphs"`
      return `<tspan ${fixed}${attributes(span)}>${xml(text)}</tspan>`
    })
    .join('')
}

function attributes({ bold, dim, underline, colour }: Style): string {
  return [
    bold ? ' font-weight="bold"' : '',
    dim ? ' fill-opacity="0.65"' : '',
    underline ? ' text-decoration="underline"' : '',
    colour === undefined ? '' : ` fill="${colours[colour]}" style="fill:${colours[colour]}"`,
  ].join('')
}

const y = (row: number) => round(margin.top + (row + 0.75) * cell.height)
const round = (value: number) => Math.round(value * 100) / 100

function xml(text: string): string {
  return text.replace(/[&<>"]/g, character => `&#${character.charCodeAt(0)};`)
}
