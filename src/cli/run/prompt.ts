import { fstatSync } from 'node:fs'
import type { ReadStream } from 'node:tty'
import { systemCode, UserError } from '../../base/errors.ts'
import { terminalLine } from '../../base/terminal-text.ts'
import { readRegularFile } from '../../files/regular-file.ts'
import { promptBytes } from '../../run/request.ts'
import { calledAs } from '../called-as.ts'

/** Milliseconds to wait for input on an open pipe, as `claude -p` does. */
const patience = 3_000

/**
 * Reads the prompt: an argument or a file, followed by piped input on a line of its own, as `claude -p`
 * does. Bytes that are not UTF-8 become replacement characters.
 */
export async function readPrompt(
  argument: string | undefined,
  options: { promptFile?: string | undefined },
  onWarning: (text: string) => void,
): Promise<string> {
  if (argument !== undefined && options.promptFile !== undefined) {
    throw new UserError('a prompt and --prompt-file were given', {
      hint: 'give one of them; piped input is appended to it',
      exitCode: 2,
    })
  }
  const given =
    options.promptFile === undefined
      ? argument
      : await readOptionFile('--prompt-file', options.promptFile, promptBytes)
  const piped = await readPiped(given !== undefined, onWarning)
  const prompt = [given, piped].filter(Boolean).join('\n')
  if (prompt.trim() === '') {
    throw new UserError('no prompt was given', {
      hint: `run ${calledAs()} run "fix the failing test", or pipe a prompt in; ${calledAs()} start opens a session`,
      exitCode: 2,
    })
  }
  if (Buffer.byteLength(prompt) > promptBytes) throw tooLong()
  return prompt
}

/** Reads the regular file that an option names, up to `limit` bytes. */
export async function readOptionFile(option: string, path: string, limit: number): Promise<string> {
  const refused = (reason: string, cause?: unknown) =>
    new UserError(`${option} ${terminalLine(path)} cannot be read: ${reason}`, {
      hint: 'give the path of a regular file, relative to the current folder',
      exitCode: 2,
      ...(cause !== undefined && { cause }),
    })
  const file = await readRegularFile(path, { limit, follow: true }).catch(cause => {
    throw refused(systemCode(cause) ?? 'unknown error', cause)
  })
  if (file.kind === 'bytes') return file.bytes.toString()
  if (file.kind === 'missing') throw refused('the file does not exist')
  throw refused(
    file.kind === 'too-large' ? `it is larger than ${limit} bytes` : 'it is not a regular file',
  )
}

async function readPiped(
  optional: boolean,
  onWarning: (text: string) => void,
): Promise<string | null> {
  const kind = inputKind()
  if (kind === 'none') return null
  const stdin: ReadStream = process.stdin
  // The parent process may leave a pipe open and never write to it. A file ends by itself.
  const timer =
    optional && kind === 'pipe'
      ? setTimeout(() => {
          onWarning(`no input on stdin within ${patience / 1000} s; continuing without it`)
          stdin.destroy()
        }, patience)
      : undefined
  const chunks: Buffer[] = []
  let size = 0
  try {
    for await (const chunk of stdin as AsyncIterable<Buffer>) {
      clearTimeout(timer)
      size += chunk.length
      if (size > promptBytes) throw tooLong()
      chunks.push(chunk)
    }
  } catch (error) {
    if (chunks.length > 0 || error instanceof UserError) throw error
  } finally {
    clearTimeout(timer)
  }
  return Buffer.concat(chunks).toString()
}

function inputKind(): 'none' | 'pipe' | 'file' {
  if (process.stdin.isTTY) return 'none'
  try {
    const status = fstatSync(0)
    return status.isFIFO() || status.isSocket() ? 'pipe' : 'file'
  } catch {
    return 'none'
  }
}

function tooLong() {
  return new UserError(`the prompt is longer than ${promptBytes / 1024 ** 2} MiB`, {
    hint: 'write the material to a file in this folder, and name the file in the prompt',
    exitCode: 2,
  })
}
