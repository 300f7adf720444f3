import { createColors } from 'picocolors'
import { terminalLine } from '../../base/terminal-text.ts'
import type { AgentUsage, Sums, UsageReport } from '../../usage/report.ts'
import { type Cell, renderColumns } from './columns.ts'

const figures = ['REQUESTS', 'INPUT', 'CACHE WRITE', 'CACHE READ', 'OUTPUT', 'COST']
/** Maximum rows of runs: a day can have thousands, and --json has them all. */
const runLimit = 20
/** Maximum rows of the subagents of one run. */
const agentLimit = 10

/** Renders the usage of the stacks, as one table below the other. */
export function renderUsage(
  reports: readonly UsageReport[],
  total: Sums,
  options: { days: number; colour: boolean; width?: number },
): string {
  const { dim, yellow } = createColors(options.colour)
  const table = (heading: string, rows: [name: string, sums: Sums][]) =>
    renderColumns([heading, ...figures], rows.map(row), dim, options.width)
  const parts: string[] = []
  for (const report of reports) {
    const { stack, tenant } = report
    parts.push(terminalLine(tenant === null ? stack : `${stack}, tenant ${tenant}`))
    if (report.total.requests === 0) {
      const span = options.days === 1 ? 'today' : `in the last ${options.days} days`
      parts.push(`no usage ${span} (UTC)`)
    } else {
      parts.push(
        table(
          'DAY',
          report.days.map(day => [day.day, day]),
        ),
      )
      parts.push(
        table(
          'MODEL',
          report.models.map(model => [terminalLine(model.model), model]),
        ),
      )
      parts.push(table('WHO', whose(report)))
    }
    parts.push(...[...notes(report.total, report.damaged), ...budgets(report)].map(yellowIf))
  }
  if (reports.length > 1) parts.push(table('ALL STACKS', [['total', total]]))
  return parts.join('\n\n')

  function yellowIf(text: string) {
    return text.includes('budget of') ? text : yellow(text)
  }
}

function whose({ interactive, runs }: UsageReport): [string, Sums][] {
  const shown = runs.toSorted((a, b) => b.estimatedUsd - a.estimatedUsd)
  return [
    ...(interactive.requests > 0 ? [['interactive', interactive] as [string, Sums]] : []),
    ...subagents(interactive.agents),
    ...shown.slice(0, runLimit).flatMap((run): [string, Sums][] => {
      const known = run.runs.map(({ runId }) => runId)
      const name =
        known.length > 0 ? `run ${terminalLine(known.join(' '), 60)}` : `meter ${run.meter}`
      return [[name, run], ...subagents(run.agents)]
    }),
  ]
}

/** The part of a row that its subagents used; the rest is the main conversation's. */
function subagents(agents: readonly AgentUsage[]): [string, Sums][] {
  return agents
    .filter(({ agent }) => agent !== null)
    .slice(0, agentLimit)
    .map(({ agent, ...sums }) => [`  agent ${terminalLine(agent ?? '', 40)}`, sums])
}

function row([name, sums]: [string, Sums]): Cell[] {
  const { requests, input, cacheWrite5m, cacheWrite1h, cacheRead, output } = sums
  const numbers = [requests, input, cacheWrite5m + cacheWrite1h, cacheRead, output]
  const text = [name, ...numbers.map(value => value.toLocaleString('en-US')), cost(sums)]
  return text.map(text => ({ text }))
}

function cost({ costUsd, unpriced, uncounted }: Sums): string {
  return `${dollars(costUsd)}${unpriced + uncounted > 0 ? ' + unknown' : ''}`
}

/** Renders dollars with enough digits: most amounts are well below a cent. */
function dollars(value: number): string {
  return `$${value.toFixed(value > 0 && value < 0.01 ? 6 : 4)}`
}

function notes({ unpriced, uncounted, broken, errors, ...sums }: Sums, damaged: number): string[] {
  const of = (count: number, text: string) =>
    count > 0 ? [`${count} ${count === 1 ? 'request' : 'requests'} ${text}`] : []
  return [
    ...of(unpriced, 'to a model without a known price'),
    ...of(uncounted, 'without a usage report'),
    ...(unpriced + uncounted > 0
      ? [`budgets count ${dollars(sums.estimatedUsd)}: unknown costs at the highest price`]
      : []),
    ...of(broken, 'ended before the answer was complete'),
    ...of(errors, 'failed, at no cost'),
    ...(damaged > 0 ? [`${damaged} lines of the files could not be read`] : []),
  ]
}

function budgets({ today }: UsageReport): string[] {
  const { day, budgetUsd, leftUsd, budgetTokens, leftTokens } = today
  return [
    ...(budgetUsd === null || leftUsd === null
      ? []
      : [`budget of ${day} (UTC): ${dollars(leftUsd)} left of $${budgetUsd}`]),
    ...(budgetTokens === null || leftTokens === null
      ? []
      : [`token budget of ${day} (UTC): ${count(leftTokens)} left of ${count(budgetTokens)}`]),
  ]
}

function count(value: number): string {
  return value.toLocaleString('en-US')
}
