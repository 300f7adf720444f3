type Paint = (text: string) => string
export type Cell = { text: string; paint?: Paint }

/** Renders rows below a heading, each column as wide as its widest cell. Colours do not count as width. */
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
          // No padding after the last cell: a narrow terminal would wrap it.
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
