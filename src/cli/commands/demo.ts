import { join } from 'node:path'
import { createColors } from 'picocolors'
import { UserError } from '../../base/errors.ts'
import { terminalLine, terminalText } from '../../base/terminal-text.ts'
import { openContext } from '../../operations/context.ts'
import { askDemo, demoPrompt, startDemo, tryEscapes } from '../../operations/demo.ts'
import { calledAs } from '../called-as.ts'
import type { Invocation } from '../invocation.ts'
import { hasColours } from '../terminal.ts'
import { prepareMachine } from './images.ts'

/**
 * Starts the whole stack with a scripted model in place of Anthropic's API, has the real Claude Code
 * answer a prompt, and shows that escapes are blocked. Prepares the machine first.
 */
export async function demo(options: { yes?: boolean }, invocation: Invocation): Promise<void> {
  await prepareMachine({ yes: options.yes ?? false }, invocation)
  const context = await openContext(invocation, null)
  const { bold, dim, green, red } = createColors(hasColours(process.stdout))
  const { folder, id, state } = await startDemo(context)

  console.log(
    `\n${bold('A prompt, run by the real Claude Code')} ${dim('(a script replies in place of the model)')}`,
  )
  console.log(`${dim('>')} ${demoPrompt}`)
  console.log(terminalText(await askDemo(context, state)))

  console.log(`\n${bold('Escapes, tried from inside')}`)
  const results: boolean[] = []
  for await (const { title, held, evidence } of tryEscapes(context, state)) {
    results.push(held)
    console.log(`${held ? green('refused') : red('OPEN   ')}  ${title}`)
    console.log(`         ${dim(terminalLine(evidence, 140))}`)
  }
  const open = results.filter(held => !held).length
  if (open > 0) {
    throw new UserError(`${open} of ${results.length} escapes succeeded`, {
      hint: `do not use this stack; run ${calledAs()} doctor to check the machine`,
    })
  }
  const script = join(context.root, 'claude.ts')
  const there = `cd ${terminalLine(folder)} && ${script}`
  console.log(`
The stack is still up. Next:
  ${there} start   # open a session with the scripted model
  ${there} run "${demoPrompt}"   # run the same prompt without a terminal
  put ANTHROPIC_API_KEY or CLAUDE_CODE_OAUTH_TOKEN into ${join(context.root, '.env')}, then run start in one of your projects
  ${script} stop ${id}   # when you are done`)
}
