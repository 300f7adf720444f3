import { userEnvironment } from '../config/environment.ts'

/** Whether to write in colours there: to a terminal whose user did not say NO_COLOR. */
export function hasColours(stream: { isTTY?: boolean }): boolean {
  return stream.isTTY === true && !userEnvironment().NO_COLOR
}

/** Whether a person sits at both ends. */
export function isInteractive(): boolean {
  return process.stdin.isTTY === true && process.stdout.isTTY === true
}

/** The terminal's type and colours as `NAME=value`, as far as they are plain names. */
export function terminalVariables(env: { TERM?: string; COLORTERM?: string }): string[] {
  const plain = /^[A-Za-z0-9._+-]{1,40}$/
  const term = env.TERM && plain.test(env.TERM) ? env.TERM : 'xterm-256color'
  const colours = env.COLORTERM && plain.test(env.COLORTERM) ? [`COLORTERM=${env.COLORTERM}`] : []
  return [`TERM=${term}`, ...colours]
}
