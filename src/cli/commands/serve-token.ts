import { UserError } from '../../base/errors.ts'
import { terminalJson, terminalLine } from '../../base/terminal-text.ts'
import {
  type DayBudget,
  type StoredToken,
  type TokenMode,
  tokenModes,
} from '../../config/tenants.ts'
import { openContext } from '../../operations/context.ts'
import { addToken, listTokens, revokeToken } from '../../operations/serve/edit-tokens.ts'
import { calledAs } from '../called-as.ts'
import type { Invocation } from '../invocation.ts'
import { renderColumns } from '../render/columns.ts'
import { widthOf } from '../terminal.ts'

export type TokenOptions = {
  name?: string
  tenant?: string
  workspace?: string[]
  model?: string[]
  mode?: string[]
  usdPerDay?: string
  tokensPerDay?: string
  strictStatus?: boolean
  json?: boolean
}

/** Adds, lists or revokes tokens. A new token is printed once, alone on stdout. */
export async function token(
  action: string,
  name: string | undefined,
  options: TokenOptions,
  invocation: Invocation,
) {
  if (action === 'list' && name === undefined) return list(options)
  if (action !== 'add' && action !== 'revoke')
    throw usage(`serve token ${terminalLine(action, 40)} is not a command`)
  if (name === undefined) throw usage(`serve token ${action} needs the name of a token`)
  const modes = options.mode?.map(parseMode)
  const budget = parseBudget(options)
  const context = await openContext(invocation, null)
  if (action === 'revoke') {
    await revokeToken(context, name, options.name)
    context.log({ kind: 'info', text: `revoked ${terminalLine(name, 70)}` })
    return
  }
  const { workspace, model, strictStatus, tenant } = options
  const added = await addToken(
    context,
    name,
    {
      ...(tenant !== undefined && { tenant }),
      ...(workspace && { workspaces: workspace }),
      ...(model && { models: model }),
      ...(modes && { modes }),
      budget,
      ...(strictStatus && { strictStatus }),
    },
    options.name,
  )
  const text = `this token of ${added.entry.tenant} is shown once; only its hash is stored`
  context.log({ kind: 'info', text })
  console.log(added.token)
}

function parseBudget({ usdPerDay, tokensPerDay }: TokenOptions): DayBudget {
  return {
    ...(usdPerDay !== undefined && { usdPerDay: amount('--usd-per-day', usdPerDay) }),
    ...(tokensPerDay !== undefined && { tokensPerDay: amount('--tokens-per-day', tokensPerDay) }),
  }
}

function amount(option: string, text: string): number {
  const value = Number(text)
  if (/^\d{1,15}(\.\d{1,6})?$/.test(text) && value > 0) return value
  throw usage(`${option} ${terminalLine(text, 40)} is not a positive number`)
}

function parseMode(text: string): TokenMode {
  const mode = tokenModes.find(mode => mode === text)
  if (mode) return mode
  throw usage(`--mode ${terminalLine(text, 40)} is not one of ${tokenModes.join(', ')}`)
}

async function list(options: TokenOptions) {
  const tokens = await listTokens(options.name)
  if (options.json) return console.log(terminalJson({ version: 1, tokens }))
  console.log(renderTokens(tokens, widthOf(process.stdout)))
}

/** Renders the tokens in columns; never a hash. */
export function renderTokens(tokens: readonly Omit<StoredToken, 'sha256'>[], width?: number) {
  return renderColumns(
    ['NAME', 'TENANT', 'MAY', 'PER DAY', 'SINCE'],
    tokens.map(({ name, tenant, workspaces, models, modes, budget, createdAt }) => [
      { text: terminalLine(name, 70) },
      { text: tenant },
      { text: terminalLine([...modes, ...(workspaces ?? []), ...(models ?? [])].join(' '), 200) },
      { text: renderBudget(budget) },
      { text: createdAt.slice(0, 10) },
    ]),
    text => text,
    width,
  )
}

function renderBudget({ usdPerDay, tokensPerDay }: DayBudget): string {
  const parts = [
    ...(usdPerDay === undefined ? [] : [`$${usdPerDay}`]),
    ...(tokensPerDay === undefined ? [] : [`${tokensPerDay} tokens`]),
  ]
  return parts.join(', ') || '-'
}

function usage(what: string) {
  return new UserError(what, {
    hint: `run ${calledAs()} serve token add NAME, serve token list, or serve token revoke NAME`,
    exitCode: 2,
  })
}
