import { modelAliases } from '../run/claude-names.ts'
import { efforts } from '../run/request.ts'

/** A button of a message, as the Bot API has it. */
export type Button = { text: string; callback_data: string }

const choices = { model: modelAliases, effort: efforts } as const
export type ChoiceName = keyof typeof choices

/** A press of a button; `value` is null for the reset. */
export type Choice = { name: ChoiceName; value: string | null }

/** Returns the buttons of `/model` or `/effort`, with a mark on the one in force, and a reset. */
export function choiceKeyboard(name: ChoiceName, current: string | undefined): Button[][] {
  const buttons = choices[name].map(value => ({
    text: value === current ? `✓ ${value}` : value,
    callback_data: `set:${name}:${value}`,
  }))
  const rows = Array.from({ length: Math.ceil(buttons.length / perRow) }, (_, row) =>
    buttons.slice(row * perRow, (row + 1) * perRow),
  )
  return [...rows, [{ text: 'reset', callback_data: `set:${name}:` }]]
}

const perRow = 3

/** Parses the data of a pressed button; null for any other. A client can send data that no button has. */
export function parseChoiceData(data: string): Choice | null {
  const [, name, value] = /^set:(model|effort):(.*)$/s.exec(data) ?? []
  if (name !== 'model' && name !== 'effort') return null
  if (value === '') return { name, value: null }
  const known = choices[name].find(choice => choice === value)
  return known === undefined ? null : { name, value: known }
}
