import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Test } from 'tap'
import { temporaryFolder } from './checkout.ts'
import { must, run, until } from './process.ts'

/** A real terminal (tmux) with a program in it: what a person sees and types. */
export type Terminal = {
  type: (text: string) => Promise<void>
  /** tmux's names: Enter, C-c, Escape, … */
  press: (...keys: string[]) => Promise<void>
  /** At Claude Code's prompt: types a text of one line, and Enter when it stands there. */
  submit: (text: string) => Promise<void>
  screen: () => Promise<string>
  waitFor: (pattern: RegExp, timeout?: number) => Promise<string>
  resize: (columns: number, rows: number) => Promise<void>
  /** Exit status of the program, once it ended and the screen has all that it wrote. */
  exitStatus: (timeout?: number) => Promise<number>
  /** Closes the window without asking the program, as a lost connection does. */
  hangUp: () => Promise<void>
}

export async function openTerminal(
  t: Test,
  command: readonly string[],
  options: { cwd: string; env: Record<string, string>; columns?: number; rows?: number },
): Promise<Terminal> {
  const socket = `claude-secure-test-${process.pid}-${Math.random().toString(36).slice(2)}`
  const { cwd, env, columns = 120, rows = 40 } = options
  const folder = await temporaryFolder(t, 'terminal')
  // Before there is a window: a program that ends at once would take the screen along.
  const configuration = join(folder, 'tmux.conf')
  await writeFile(configuration, 'set-option -g remain-on-exit on\n')
  // The program sees this environment, and nothing of the tester's own.
  const tmux = (...args: string[]) =>
    must('tmux', ['-L', socket, '-f', configuration, ...args], { env })
  // tmux itself forgets the status of a program that ends quickly.
  const statusFile = join(folder, 'status')
  const kill = () => run('tmux', ['-L', socket, 'kill-server'], { env })
  t.teardown(kill)
  const script = `${command.map(quote).join(' ')}; echo $? > ${quote(statusFile)}`
  await tmux(
    ...['new-session', '-d', '-s', 'test', '-x', `${columns}`, '-y', `${rows}`, '-c', cwd],
    ...Object.entries(env).flatMap(([name, value]) => ['-e', `${name}=${value}`]),
    script,
  )
  const screen = () => tmux('capture-pane', '-p', '-t', 'test')
  const type = async (text: string) => void (await tmux('send-keys', '-t', 'test', '-l', text))
  const press = async (...keys: string[]) => void (await tmux('send-keys', '-t', 'test', ...keys))
  const shows = async (what: string, test: (text: string) => boolean, timeout?: number) => {
    let last = ''
    const look = async () => {
      last = await screen()
      return test(last) ? last : null
    }
    try {
      return await until(what, look, timeout)
    } catch (error) {
      throw new Error(`${error instanceof Error ? error.message : error}; it showed:\n${last}`)
    }
  }
  return {
    type,
    press,
    async submit(text) {
      await type(text)
      // A long one goes on in the next line of the screen.
      const begin = text.slice(0, columns - 10)
      await shows(
        `${begin} at the prompt`,
        screen => lastPrompt(screen)?.startsWith(begin) ?? false,
      )
      // Claude Code takes a fast Enter for part of a paste.
      await new Promise(resolve => setTimeout(resolve, 500))
      await press('Enter')
    },
    screen,
    waitFor: (pattern, timeout) =>
      shows(`${pattern} on the screen`, screen => pattern.test(screen), timeout),
    resize: async (x, y) =>
      void (await tmux('resize-window', '-t', 'test', '-x', `${x}`, '-y', `${y}`)),
    async exitStatus(timeout) {
      const text = await until(
        'the program to end',
        () => readFile(statusFile, 'utf8').catch(() => null),
        timeout,
      )
      // tmux reads what the program wrote some time after its end, and calls the pane dead after the last of it.
      await until('the last output', async () =>
        (await tmux('display-message', '-p', '-t', 'test', '#{pane_dead}')).startsWith('1'),
      )
      return Number(text)
    },
    hangUp: async () => void (await kill()),
  }
}

/** What stands at Claude Code's prompt, the last one on the screen: those above are what was said. */
function lastPrompt(screen: string): string | undefined {
  return [...screen.matchAll(/^❯[ \u00a0](.*)$/gm)].at(-1)?.[1]
}

function quote(word: string) {
  return `'${word.replaceAll("'", "'\\''")}'`
}
