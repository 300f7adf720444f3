import { createColors } from 'picocolors'
import { terminalJson, terminalLine } from '../../base/terminal-text.ts'
import { openEngine } from '../../operations/context.ts'
import { allStacks, type ListedStack, runningStacks } from '../../stack/stack-list.ts'
import type { Invocation } from '../invocation.ts'
import { renderColumns } from '../render/columns.ts'
import { hasColours, widthOf } from '../terminal.ts'

/** Prints the stacks of all folders on this engine. */
export async function list(options: { all?: boolean; json?: boolean }, invocation: Invocation) {
  const { engine, log } = await openEngine(invocation)
  const stacks = await (options.all ? allStacks(engine) : runningStacks(engine))
  if (options.json) {
    console.log(terminalJson({ version: 1, stacks }))
    return
  }
  if (stacks.length === 0) {
    log({ kind: 'info', text: options.all ? 'there are no stacks' : 'no stack is running' })
    return
  }
  console.log(renderList(stacks, Date.now(), hasColours(process.stdout), widthOf(process.stdout)))
}

export function renderList(
  stacks: readonly ListedStack[],
  now: number,
  colour: boolean,
  width?: number,
): string {
  const { green, yellow, dim } = createColors(colour)
  const paint = { up: green, partial: yellow, stopped: dim }
  const sized = stacks.some(({ bytes }) => bytes !== null)
  return renderColumns(
    ['ID', 'FOLDER', 'STATE', 'AT WORK', 'AGE', ...(sized ? ['SIZE'] : []), 'CREDENTIALS'],
    stacks.map(stack => [
      { text: stack.id },
      { text: `${terminalLine(stack.workspace ?? stack.stack, 200)}${copied(stack)}` },
      { text: stack.state, paint: paint[stack.state] },
      { text: atWork(stack, now) || '-' },
      { text: stack.created === null ? '-' : renderAge(now - Date.parse(stack.created)) },
      ...(sized ? [{ text: stack.bytes === null ? '-' : renderSize(stack.bytes) }] : []),
      { text: stack.credentials ?? '-' },
    ]),
    dim,
    width,
  )
}

function renderSize(bytes: number) {
  return `${(bytes / 1e6).toFixed(1)} MB`
}

function copied({ workspaceMode, gitSession }: ListedStack) {
  if (gitSession !== undefined) return ` (session ${terminalLine(gitSession, 60)})`
  return workspaceMode === 'copy' ? ' (copy)' : ''
}

function atWork({ session, runs, services }: ListedStack, now: number) {
  return [
    ...(session ? [`session ${renderAge(now - Date.parse(session.since))}`] : []),
    ...(runs > 0 ? [`${runs} ${runs === 1 ? 'run' : 'runs'}`] : []),
    ...services.map(name => terminalLine(name, 30)),
  ].join(', ')
}

const units = [
  { unit: 'd', seconds: 86_400 },
  { unit: 'h', seconds: 3_600 },
  { unit: 'm', seconds: 60 },
] as const

/** Renders an age in one unit: `3d`, `2h`, `5m`, `12s`. */
export function renderAge(milliseconds: number): string {
  const seconds = Math.max(0, Math.floor(milliseconds / 1000))
  const unit = units.find(unit => seconds >= unit.seconds)
  return unit ? `${Math.floor(seconds / unit.seconds)}${unit.unit}` : `${seconds}s`
}
