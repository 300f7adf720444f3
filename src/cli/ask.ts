import { confirm, isCancel } from '@clack/prompts'
import { UserError } from '../base/errors.ts'
import { isInteractive } from './terminal.ts'

/** A yes from the person at the terminal; without a terminal nobody can say it. */
export async function ask(question: string, option = '--yes'): Promise<boolean> {
  if (!isInteractive()) {
    throw new UserError(`this needs a yes and there is no terminal: ${question}`, {
      hint: `run it again with ${option}`,
    })
  }
  const answer = await confirm({ message: question })
  return !isCancel(answer) && answer
}
