import type { KeptState } from './kept-states.ts'

/** What can be undone and redone in a session. */
export type TurnHistory = {
  /** The turns that are not undone, the oldest first. */
  turns: KeptState[]
  /** The last undo that a redo takes back; null when there is none, or a turn followed. */
  undone: KeptState | null
}

/**
 * Replays the states that a copy keeps. An undo takes the turns from its target on away; a redo brings back what its
 * undo took; a new turn ends what could be redone.
 */
export function readHistory(states: readonly KeptState[]): TurnHistory {
  let turns: KeptState[] = []
  let undone: { undo: KeptState; before: KeptState[] }[] = []
  for (const state of states) {
    switch (state.kind) {
      case 'turn':
        turns = [...turns, state]
        undone = []
        break
      case 'undo':
        undone = [...undone, { undo: state, before: turns }]
        turns = turns.filter(({ number }) => number < (state.of ?? 0))
        break
      case 'redo': {
        const at = undone.findIndex(({ undo }) => undo.number === state.of)
        const found = undone[at]
        if (!found) break
        turns = found.before
        undone = undone.slice(0, at)
        break
      }
      default:
        state.kind satisfies never
    }
  }
  return { turns, undone: undone.at(-1)?.undo ?? null }
}
