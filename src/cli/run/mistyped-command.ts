import { UserError } from '../../base/errors.ts'
import { terminalLine } from '../../base/terminal-text.ts'
import { calledAs } from '../called-as.ts'
import { runCommands } from '../command-line.ts'

/**
 * Rejects `run lsit`, which would send a mistyped command to the model as its prompt. After `run --` every
 * word is a prompt.
 *
 * @param line the command line in the form that commander parses
 */
export function refuseMistypedRunCommand(line: readonly string[]): void {
  const [command, word] = line.filter(part => part !== '--verbose')
  if (command !== 'run' || word === undefined) return
  const meant = runCommands.find(name => isSlipOf(word.toLowerCase(), name))
  if (meant === undefined) return
  const shown = terminalLine(word, 60)
  throw new UserError(`unknown command run ${shown}`, {
    hint: `did you mean run ${meant}? for a prompt, run ${calledAs()} run -- ${shown}`,
    exitCode: 2,
  })
}

/**
 * Returns whether one slip of the fingers turns `name` into `word`: two letters swapped, one lost, one too
 * many, or in a long name one replaced. In a short name a replaced letter makes another word: `lint`, `last`.
 */
function isSlipOf(word: string, name: string): boolean {
  if (word === name) return true
  const [a, b] = word.length < name.length ? [word, name] : [name, word]
  let same = 0
  while (same < a.length && a[same] === b[same]) same++
  if (b.length - a.length === 1) return a.slice(same) === b.slice(same + 1)
  if (a.length !== b.length) return false
  const swapped = a[same] === b[same + 1] && a[same + 1] === b[same]
  if (swapped && a.slice(same + 2) === b.slice(same + 2)) return true
  return name.length > 4 && a.slice(same + 1) === b.slice(same + 1)
}
