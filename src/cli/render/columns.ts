type Paint = (text: string) => string
export type Cell = { text: string; paint?: Paint }

/** Rows below a heading, each column as wide as its widest cell. Colours take no room. */
export function renderColumns(
  heading: readonly string[],
  rows: readonly (readonly Cell[])[],
  paintHeading: Paint,
): string {
  const all = [heading.map(text => ({ text, paint: paintHeading })), ...rows]
  const widths = heading.map((_, column) =>
    Math.max(...all.map(row => row[column]?.text.length ?? 0)),
  )
  return all
    .map(row =>
      row
        .map(({ text, paint = plain }, column) =>
          // Nothing after the last cell: a narrow terminal would wrap the blanks.
          column === row.length - 1 ? paint(text) : paint(text) + ' '.repeat(pad(column, text)),
        )
        .join(''),
    )
    .join('\n')

  function pad(column: number, text: string) {
    return (widths[column] ?? 0) - text.length + 2
  }
}

const plain: Paint = text => text
