import { confirm, isCancel } from '@clack/prompts'
import { UserError } from '../base/errors.ts'
import { isInteractive } from './terminal.ts'

/** Asks the person at the terminal to confirm; throws without a terminal. `option` confirms in advance. */
export async function ask(
  question: string,
  option = '--yes',
  { byDefault = true }: { byDefault?: boolean } = {},
): Promise<boolean> {
  if (!isInteractive()) {
    throw new UserError(`confirmation required but there is no terminal: ${question}`, {
      hint: `run it again with ${option}`,
    })
  }
  const answer = await confirm({ message: question, initialValue: byDefault })
  return !isCancel(answer) && answer
}
