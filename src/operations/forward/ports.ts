import { command } from '../../base/command.ts'
import { UserError } from '../../base/errors.ts'
import { terminalLine } from '../../base/terminal-text.ts'

/** A port of the container's loopback, and the port of the host's loopback that leads to it. */
export type PortPair = { port: number; local: number }

const most = 16

/** Parses `PORT` and `PORT:LOCAL`. */
export function parsePorts(words: readonly string[]): PortPair[] {
  const pairs = words.map(parsePair)
  const twice = pairs.find(({ local }, index) => pairs.findIndex(p => p.local === local) !== index)
  if (twice) throw usage(`port ${twice.local} of this host is named twice`)
  if (pairs.length === 0) throw usage('forward needs a port')
  if (pairs.length > most) throw usage(`forward takes at most ${most} ports`)
  return pairs
}

function parsePair(word: string): PortPair {
  const [, port, local = port] = /^(\d{1,5})(?::(\d{1,5}))?$/.exec(word) ?? []
  const pair = { port: Number(port), local: Number(local) }
  const valid = (number: number) => number >= 1 && number <= 65_535
  if (valid(pair.port) && valid(pair.local)) return pair
  throw usage(`${terminalLine(word, 40)} is not a port or PORT:LOCAL`)
}

function usage(message: string) {
  return new UserError(message, {
    hint: `name the port of the server in the container, and after a colon another one for this host: ${command('forward 5173:8080')}`,
    exitCode: 2,
  })
}
