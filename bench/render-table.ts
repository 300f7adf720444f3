import { type Figure, isReached, renderTarget, type Unit } from './figure.ts'
import { median, quantile, type Samples } from './samples.ts'

const header = ['#', 'what', 'ratio', 'target', 'verdict', 'ours', 'baseline']

/** Renders a Markdown table with aligned columns, so that it also reads well in a terminal. */
export function renderTable(figures: readonly Figure[]): string {
  const rows = [header, ...figures.map(cells)]
  const widths = header.map((_, column) => Math.max(...rows.map(row => row[column]?.length ?? 0)))
  const line = (row: readonly string[]) =>
    `| ${row.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join(' | ')} |`
  const rule = widths.map(width => '-'.repeat(width))
  return [header, rule, ...rows.slice(1)].map(line).join('\n')
}

function cells(figure: Figure): string[] {
  const { row, what, unit, ours, baseline, target } = figure
  return [
    row,
    what,
    baseline ? ratio(figure, baseline) : '–',
    renderTarget(target, unit),
    verdict(figure),
    spread(ours, unit),
    baseline ? spread(baseline, unit) : '–',
  ]
}

/** Formats median and quartiles; a single sample has no spread. */
function spread(samples: Samples, unit: Unit): string {
  const middle = `${digits(median(samples))} ${unit}`
  if (samples.length === 1) return middle
  return `${middle} (${digits(quantile(samples, 0.25))}–${digits(quantile(samples, 0.75))})`
}

function ratio({ ours, unit, target }: Figure, baseline: Samples): string {
  const [our, theirs] = [median(ours), median(baseline)]
  const difference = our - theirs
  const extra = `${difference < 0 ? '−' : '+'} ${digits(Math.abs(difference))} ${unit}`
  return `${(our / theirs).toFixed(2)}${target.kind === 'extra-at-most' ? ` (${extra})` : ''}`
}

function verdict(figure: Figure): string {
  const reached = isReached(figure)
  return reached === null ? '–' : reached ? 'reached' : 'MISSED'
}

/** Rounds to three significant digits. */
function digits(value: number): string {
  return value >= 100 ? value.toFixed(0) : value >= 10 ? value.toFixed(1) : value.toFixed(2)
}
