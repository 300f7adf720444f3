import { UserError } from '../../base/errors.ts'
import { terminalJson, terminalLine } from '../../base/terminal-text.ts'
import { readUsage } from '../../operations/usage.ts'
import { daysKept } from '../../usage/day-files.ts'
import { calledAs } from '../called-as.ts'
import { renderUsage } from '../render/usage.ts'
import { hasColours, widthOf } from '../terminal.ts'

const defaultDays = 7

/** Prints the gateway's usage counts, whether or not the stack is running. */
export async function usage(options: {
  json?: boolean
  days?: string
  all?: boolean
  tenant?: string
}) {
  const days = parseDays(options.days)
  const { all = false, tenant } = options
  if (all && tenant !== undefined) {
    throw new UserError('--all cannot be combined with --tenant', {
      hint: 'give one of the two',
      exitCode: 2,
    })
  }
  const { reports, total, uncountedLogin } = await readUsage({ days, all, tenant })
  if (options.json) {
    console.log(terminalJson({ version: 1, days, stacks: reports, total }))
    return
  }
  if (reports.length === 0) {
    console.log('no usage: this user has never started a stack')
    return
  }
  // Stacks without usage are left out of --all: `clean` keeps their counts.
  const colour = hasColours(process.stdout)
  const shown = all ? reports.filter(({ total }) => total.requests > 0) : reports
  if (shown.length === 0) console.log(`no usage in the last ${days} days (UTC)`)
  else console.log(renderUsage(shown, total, { days, colour, width: widthOf(process.stdout) }))
  if (total.requests === 0 && uncountedLogin) {
    console.log('\n.env has no key or token, and the usage of a login is not counted')
  }
}

function parseDays(text: string | undefined): number {
  if (text === undefined) return defaultDays
  const days = /^\d{1,3}$/.test(text) ? Number(text) : 0
  if (days >= 1 && days <= daysKept) return days
  throw new UserError(`--days ${terminalLine(text)} is not a number from 1 to ${daysKept}`, {
    hint: `give a number, for example: ${calledAs()} usage --days 30`,
    exitCode: 2,
  })
}
