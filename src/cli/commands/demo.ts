import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { createColors } from 'picocolors'
import { UserError } from '../../base/errors.ts'
import { terminalLine, terminalText } from '../../base/terminal-text.ts'
import { demoFolder, stateRoot } from '../../config/paths.ts'
import { type Context, openContext } from '../../operations/context.ts'
import { bringUp } from '../../operations/start/start-effects.ts'
import { workspaceHere } from '../../operations/workspace-here.ts'
import { exec } from '../../process/exec.ts'
import { folderStack } from '../../stack/identity.ts'
import { type StackState, serviceOf } from '../../stack/inspect.ts'
import type { Invocation } from '../invocation.ts'
import { hasColours } from '../terminal.ts'
import { escapes } from './demo-escapes.ts'
import { setup } from './setup.ts'

const welcome = `Claude Code read this file inside a container that has no way to the internet.
The model that told it to was a script. Put a key into .env and it is the real one.
`
const prompt = 'Read welcome.txt and tell me what it says.'

/**
 * Starts the whole stack with a scripted model in place of Anthropic's API, has the real Claude Code
 * answer a prompt, and shows that ways out are closed. Makes the machine ready first.
 */
export async function demo(options: { yes?: boolean }, invocation: Invocation): Promise<void> {
  await setup({ yes: options.yes ?? false }, invocation)
  const context = await openContext(invocation)
  const { bold, dim, green, red } = createColors(hasColours(process.stdout))

  const folder = demoFolder()
  // The first command on a machine makes the state folder, and others have no business in it.
  await mkdir(stateRoot(), { recursive: true, mode: 0o700 })
  await mkdir(folder, { recursive: true })
  await writeFile(join(folder, 'welcome.txt'), welcome)
  const workspace = await workspaceHere(context, { folder })
  const { state } = await bringUp(context, workspace, {
    mode: 'rehearsal',
    freshCopy: true,
    agents: ['claude'],
  })

  console.log(
    `\n${bold('A prompt through the real Claude Code')} ${dim('(a script answers for the model)')}`,
  )
  console.log(`${dim('>')} ${prompt}`)
  console.log(terminalText(await ask(context, state)))

  console.log(`\n${bold('Ways out, tried from inside')}`)
  let open = 0
  for (const { title, command, expectation } of escapes) {
    const { code, stdout, stderr } = await runInside(context, state, command)
    const held = expectation(code, `${stdout}\n${stderr}`)
    if (!held) open += 1
    const evidence = `${stdout}\n${stderr}`
      .trim()
      .split('\n')
      .findLast(line => line.trim() !== '')
    console.log(`${held ? green('refused') : red('OPEN   ')}  ${title}`)
    console.log(`         ${dim(terminalLine(evidence ?? `exit code ${code}`, 140))}`)
  }
  if (open > 0) {
    throw new UserError(`${open} of ${escapes.length} ways out were open`, {
      hint: 'do not use this stack; ./claude.ts doctor checks the machine',
    })
  }
  console.log(`
The stack is still up. Next:
  cd ${terminalLine(folder)} && ${join(context.root, 'claude.ts')} start   talk to the rehearsal yourself
  cd ${terminalLine(folder)} && ${join(context.root, 'claude.ts')} run "${prompt}"   the same as a run, without a terminal
  put ANTHROPIC_API_KEY or CLAUDE_CODE_OAUTH_TOKEN into ${join(context.root, '.env')}, then run start in a project of yours
  ${join(context.root, 'claude.ts')} stop ${folderStack(workspace.path).id}   when you are done`)
}

async function ask(context: Context, state: StackState) {
  const { code, stdout, stderr } = await runInside(context, state, [
    'claude',
    '--dangerously-skip-permissions',
    '-p',
    prompt,
  ])
  if (code !== 0) {
    throw new UserError(
      `Claude Code ended with exit code ${code}: ${terminalLine(stdout || stderr)}`,
      {
        hint: './claude.ts logs gateway shows what it asked for',
      },
    )
  }
  return stdout.trim()
}

function runInside({ docker, signal }: Context, state: StackState, command: readonly string[]) {
  const claude = serviceOf(state, 'claude')
  return exec(
    docker.file,
    ['exec', '--workdir', '/workspace', claude?.container ?? '', ...command],
    { env: docker.env, signal, timeout: 120_000, input: '' },
  )
}
