import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Test } from 'tap'
import { temporaryFolder } from './checkout.ts'
import { must, run, until } from './process.ts'

/** A real terminal (tmux) with a program in it: what a person sees and types. */
export type Terminal = {
  type: (text: string) => Promise<void>
  /** tmux's names: Enter, C-c, Escape, … */
  press: (...keys: string[]) => Promise<void>
  screen: () => Promise<string>
  waitFor: (pattern: RegExp, timeout?: number) => Promise<string>
  resize: (columns: number, rows: number) => Promise<void>
  /** Exit status of the program, once it ended. */
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
  const tmux = (...args: string[]) => must('tmux', ['-L', socket, '-f', '/dev/null', ...args])
  const { cwd, env, columns = 120, rows = 40 } = options
  // tmux itself forgets the status of a program that ends quickly.
  const statusFile = join(await temporaryFolder(t, 'terminal'), 'status')
  t.teardown(() => run('tmux', ['-L', socket, 'kill-server']))
  const script = `sleep 0.2; ${command.map(quote).join(' ')}; echo $? > ${quote(statusFile)}`
  await must(
    'tmux',
    ['-L', socket, '-f', '/dev/null', 'new-session', '-d', '-s', 'test']
      .concat(['-x', `${columns}`, '-y', `${rows}`, '-c', cwd])
      .concat(Object.entries(env).flatMap(([name, value]) => ['-e', `${name}=${value}`]))
      .concat([script]),
  )
  await tmux('set-option', '-t', 'test', 'remain-on-exit', 'on')
  const screen = () => tmux('capture-pane', '-p', '-t', 'test')
  return {
    type: async text => void (await tmux('send-keys', '-t', 'test', '-l', text)),
    press: async (...keys) => void (await tmux('send-keys', '-t', 'test', ...keys)),
    screen,
    async waitFor(pattern, timeout = 60_000) {
      let last = ''
      try {
        return await until(
          `${pattern} on the screen`,
          async () => {
            last = await screen()
            return pattern.test(last) ? last : null
          },
          timeout,
        )
      } catch (error) {
        throw new Error(`${error instanceof Error ? error.message : error}; it showed:\n${last}`)
      }
    },
    resize: async (x, y) =>
      void (await tmux('resize-window', '-t', 'test', '-x', `${x}`, '-y', `${y}`)),
    async exitStatus(timeout = 60_000) {
      const text = await until(
        'the program to end',
        () => readFile(statusFile, 'utf8').catch(() => null),
        timeout,
      )
      return Number(text)
    },
    hangUp: async () => void (await run('tmux', ['-L', socket, 'kill-server'])),
  }
}

function quote(word: string) {
  return `'${word.replaceAll("'", "'\\''")}'`
}
