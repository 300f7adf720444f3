import { createColors } from 'picocolors'
import { UserError } from '../../base/errors.ts'
import { terminalJson, terminalLine } from '../../base/terminal-text.ts'
import { readHistory } from '../../git/turns/turn-history.ts'
import { openEngine } from '../../operations/context.ts'
import { type FoundSession, findSession } from '../../operations/sessions/find-sessions.ts'
import { keptStates, undoTurns, type WantedReturn } from '../../operations/sessions/undo-turns.ts'
import { calledAs } from '../called-as.ts'
import type { Invocation } from '../invocation.ts'
import { renderColumns } from '../render/columns.ts'
import { renderReturn } from '../render/turns.ts'
import { hasColours, widthOf } from '../terminal.ts'
import { renderAge } from './list.ts'

export type UndoOptions = {
  turns?: string
  to?: string
  list?: boolean
  yes?: boolean
  force?: boolean
  json?: boolean
}

/** Puts the copy of a session back to the beginning of a turn, after a yes; or lists what it keeps. */
export async function undoCommand(
  name: string | undefined,
  options: UndoOptions,
  invocation: Invocation,
) {
  const wanted = parseWanted(options)
  const context = await openEngine(invocation)
  const found = await findSession(context, name)
  if (options.list) return listStates(context, found, options)
  await goBack(context, found, wanted, options, invocation)
}

/** Takes the last undo of a session back, after a yes. */
export async function redoCommand(
  name: string | undefined,
  options: Pick<UndoOptions, 'yes' | 'force' | 'json'>,
  invocation: Invocation,
) {
  const context = await openEngine(invocation)
  const found = await findSession(context, name)
  await goBack(context, found, { kind: 'redo' }, options, invocation)
}

function parseWanted({ turns, to }: UndoOptions): WantedReturn {
  if (to !== undefined) return { kind: 'undo', to: parseNumber('--to', to) }
  return { kind: 'undo', turns: parseNumber('--turns', turns ?? '1') }
}

function parseNumber(option: string, text: string): number {
  if (/^[1-9]\d{0,8}$/.test(text)) return Number(text)
  throw new UserError(`${option} ${terminalLine(text, 40)} is not a number from 1`, {
    hint: `give a number, for example: ${option} 2`,
    exitCode: 2,
  })
}

type OpenedEngine = Awaited<ReturnType<typeof openEngine>>

async function goBack(
  context: OpenedEngine,
  found: FoundSession,
  wanted: WantedReturn,
  options: UndoOptions,
  { log }: Invocation,
) {
  const { session } = found.session
  const verb = wanted.kind === 'undo' ? 'Undo' : 'Redo'
  const done = await undoTurns(context, found, wanted, {
    force: options.force ?? false,
    async show(shown) {
      if (options.json)
        return options.yes || context.confirm(`${verb} in session ${session}?`, '--yes')
      console.log(renderReturn(shown, hasColours(process.stdout)))
      return options.yes || context.confirm(`${verb} this in session ${session}?`, '--yes')
    },
  })
  if (done === null) return log({ kind: 'info', text: 'nothing was changed' })
  const { shown, wayBack } = done
  if (options.json) {
    const { kind, target, plan } = shown
    const { gone, back, fileCount: files } = plan
    const counts = { files, commitsGone: gone.count, commitsBack: back.count }
    return console.log(terminalJson({ version: 1, kind, state: target.number, wayBack, ...counts }))
  }
  const text =
    wanted.kind === 'undo'
      ? `session ${session} is back; ${calledAs()} session redo ${session} takes this back. Claude does not know of it: tell it what to do instead`
      : `session ${session} is as it was before the undo; what it had until now is state ${wayBack}`
  log({ kind: 'info', text })
}

async function listStates(context: OpenedEngine, found: FoundSession, { json }: UndoOptions) {
  const { states, running } = await keptStates(context, found)
  const { turns } = readHistory(states)
  const isUndone = (number: number) => !turns.some(turn => turn.number === number)
  const listed = states.map(state => ({
    ...state,
    undone: state.kind === 'turn' && isUndone(state.number),
  }))
  if (json) return console.log(terminalJson({ version: 1, running, states: listed }))
  if (listed.length === 0) {
    const text = `session ${found.session.session} has no turn yet`
    return context.log({ kind: 'info', text })
  }
  const { dim } = createColors(hasColours(process.stdout))
  const rows = listed.map(({ number, kind, undone, at, head, of, prompt }) => [
    { text: String(number) },
    { text: undone ? 'undone turn' : kind === 'turn' ? 'turn' : `before ${kind} of ${of ?? '-'}` },
    { text: at === null ? '-' : renderAge(Date.now() - Date.parse(at)) },
    { text: head === null ? '-' : head.slice(0, 10) },
    { text: terminalLine(prompt ?? '-', 80) },
  ])
  const heads = ['STATE', 'KIND', 'AGE', 'COMMIT', 'PROMPT']
  console.log(renderColumns(heads, rows, dim, widthOf(process.stdout)))
}
