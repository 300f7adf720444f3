import width from 'fast-string-width'

/** Renders rows of cells, the head first, as lines with aligned columns for a monospaced font. */
export function renderTable(rows: readonly (readonly string[])[]): string {
  const columns = Math.max(0, ...rows.map(row => row.length))
  const widths = Array.from({ length: columns }, (_, column) =>
    Math.min(mostWidth, Math.max(0, ...rows.map(row => width(row[column] ?? '')))),
  )
  const lines = rows.map(row =>
    widths
      .map((most, column) => pad(row[column] ?? '', most))
      .join(' | ')
      .trimEnd(),
  )
  return lines.toSpliced(1, 0, widths.map(most => '-'.repeat(most)).join('-|-')).join('\n')
}

/** Above this width a cell is not aligned: padding must not multiply the size of a hostile table. */
const mostWidth = 40

function pad(cell: string, most: number) {
  return cell + ' '.repeat(Math.max(0, most - width(cell)))
}
