import stringWidth from 'fast-string-width'
import { wrapAnsi } from 'fast-wrap-ansi'

type Paint = (text: string) => string
export type Cell = { text: string; paint?: Paint }

const gap = 2
/** Widest cell that is never wrapped: an id, a state or a number. */
const whole = 12

/**
 * Renders rows below a heading, each column as wide as its widest cell on a terminal: East Asian
 * characters and emoji are two columns wide, colours none. If a row does not fit `width`, the widest
 * columns wrap, so that nothing is cut off; in a very narrow terminal each row is a list instead.
 */
export function renderColumns(
  heading: readonly string[],
  rows: readonly (readonly Cell[])[],
  paintHeading: Paint,
  width = Number.POSITIVE_INFINITY,
): string {
  const all = [heading.map((text): Cell => ({ text, paint: paintHeading })), ...rows]
  const natural = heading.map((_, column) =>
    Math.max(...all.map(row => stringWidth(row[column]?.text ?? ''))),
  )
  const least = heading.map((title, column) => {
    const short = rows.map(row => stringWidth(row[column]?.text ?? '')).filter(of => of <= whole)
    const words = title.split(' ').map(word => stringWidth(word))
    const cut = (natural[column] ?? 0) > whole && short.length < rows.length
    return Math.max(...words, ...short, cut ? whole : 0)
  })
  const widths = fit(natural, least, width - gap * (heading.length - 1))
  if (widths === null) return renderLists(heading, rows, paintHeading, width)
  return all.map(row => renderRow(row, widths)).join('\n')
}

/** Narrows the widest columns until all fit; null when they cannot. */
function fit(natural: readonly number[], least: readonly number[], space: number): number[] | null {
  const widths = [...natural]
  const sum = () => widths.reduce((total, of) => total + of, 0)
  while (sum() > space) {
    const widest = widths.reduce((best, of, column) => {
      const canShrink = of > (least[column] ?? 0)
      return canShrink && (best === -1 || of > (widths[best] ?? 0)) ? column : best
    }, -1)
    if (widest === -1) return null
    widths[widest] = (widths[widest] ?? 0) - 1
  }
  return widths
}

function renderRow(row: readonly Cell[], widths: readonly number[]): string {
  const cells = row.map(({ text, paint = plain }, column) => ({
    lines: wrap(text, widths[column] ?? 1),
    paint,
    width: widths[column] ?? 0,
  }))
  const height = Math.max(...cells.map(({ lines }) => lines.length))
  return Array.from({ length: height }, (_, line) =>
    cells
      .map(({ lines, paint, width }, column) => {
        const text = lines[line] ?? ''
        const shown = text === '' ? '' : paint(text)
        // No padding after the last cell: a narrow terminal would wrap it.
        const pad = column === cells.length - 1 ? 0 : width - stringWidth(text) + gap
        return shown + ' '.repeat(Math.max(0, pad))
      })
      .join('')
      // The line of a wrapped cell ends there.
      .trimEnd(),
  ).join('\n')
}

/** Renders each row as lines of a heading and a value. */
function renderLists(
  heading: readonly string[],
  rows: readonly (readonly Cell[])[],
  paintHeading: Paint,
  width: number,
) {
  const column = Math.max(...heading.map(title => stringWidth(title))) + gap
  const place = column + whole <= width ? { width, column } : { width, space: gap }
  return rows
    .map(row =>
      row
        .map(({ text, paint = plain }, at) =>
          renderField(paintHeading(heading[at] ?? ''), paint(text), place),
        )
        .join('\n'),
    )
    .join('\n\n')
}

/**
 * Renders a name and its value, which wraps below its own beginning, or in a very narrow terminal below
 * the name.
 *
 * @param column column where the value begins; behind a longer name it begins after `space` columns.
 */
export function renderField(
  name: string,
  value: string,
  { width, column = 0, space = 0 }: { width: number; column?: number; space?: number },
): string {
  const start = name + ' '.repeat(Math.max(column - stringWidth(name), space))
  const from = stringWidth(start)
  if (from + stringWidth(value) <= width) return start + value
  const isNarrow = from + whole > width
  const indent = isNarrow ? Math.min(gap, width - 1) : from
  const lines = wrap(value, width - indent).map(line => ' '.repeat(indent) + line)
  return isNarrow && name !== ''
    ? [...wrap(name, width), ...lines].join('\n')
    : [start + lines[0]?.slice(indent), ...lines.slice(1)].join('\n')
}

function wrap(text: string, width: number): string[] {
  if (stringWidth(text) <= width) return [text]
  return wrapAnsi(text, Math.max(1, width), { hard: true }).split('\n')
}

const plain: Paint = text => text
