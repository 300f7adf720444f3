import { createPacketReader, flush, packetLine } from './pkt-line.ts'
import type { Command, PushRequest } from './push-commands.ts'

/** Longest reason, in characters: git shows it on one line. */
const mostCharacters = 300

/**
 * Renders the refusal of a push as git's server would report it, so that git shows the reason beside
 * each ref. A caller that asked for no report gets git's error line.
 *
 * @param reasonOf the reason of one ref.
 */
export function renderRefusal(
  { commands, capabilities }: PushRequest,
  reasonOf: (command: Command) => string,
): Buffer {
  const reports = capabilities.some(name => /^report-status(-v2)?$/.test(name))
  if (!reports || commands.length === 0) {
    const [first = { old: '', new: '', ref: '' }] = commands
    return packetLine(`ERR ${reasonText(reasonOf(first))}`)
  }
  const report = Buffer.concat([
    packetLine('unpack ok\n'),
    ...commands.map(command =>
      // The name as it came, byte by byte: git looks it up among those that it sent.
      packetLine(Buffer.from(`ng ${command.ref} ${reasonText(reasonOf(command))}\n`, 'latin1')),
    ),
    flush,
  ])
  return capabilities.includes('side-band-64k') ? inBand(report) : report
}

/** Renders an error line of git, which ends the command of the caller and is shown. */
export function renderError(reason: string): Buffer {
  return packetLine(`ERR ${reasonText(reason)}`)
}

/** Renders one line of printable ASCII: a reason may quote the caller. */
export function reasonText(reason: string): string {
  return `claude-secure: ${reason}`.replaceAll(/[^\x20-\x7e]/g, '?').slice(0, mostCharacters)
}

/** The most bytes of a line in a band, and what a report may have. */
const bandBytes = 65_515

function inBand(report: Buffer): Buffer {
  const parts: Buffer[] = []
  for (let at = 0; at < report.length; at += bandBytes) {
    parts.push(packetLine(Buffer.concat([Buffer.from([1]), report.subarray(at, at + bandBytes)])))
  }
  return Buffer.concat([...parts, flush])
}

const mostReport = 256 * 1024

/**
 * Reads a server's report on a push as it passes. `accepted` returns the refs that it took; none when
 * the report is damaged or too large, because a branch that is not known to be ours stays closed.
 */
export function createReportReader({ commands, capabilities }: PushRequest) {
  const banded = capabilities.includes('side-band-64k')
  const outer = createPacketReader(mostReport)
  const inner = createPacketReader(mostReport)
  const accepted = new Set<string>()
  let broken = false

  function take(bytes: Buffer) {
    inner.write(bytes)
    for (let packet = inner.read(); packet; packet = inner.read()) {
      if (packet.kind === 'flush') continue
      const [, ref] = /^ok ([^\0\n]+)\n?$/.exec(packet.bytes.toString('latin1')) ?? []
      if (commands.some(command => command.ref === ref)) accepted.add(ref ?? '')
    }
  }

  return {
    write(chunk: Buffer) {
      if (broken) return
      try {
        if (!banded) return take(chunk)
        outer.write(chunk)
        for (let packet = outer.read(); packet; packet = outer.read()) {
          if (packet.kind === 'line' && packet.bytes[0] === 1) take(packet.bytes.subarray(1))
        }
      } catch {
        broken = true
      }
    },
    accepted(): readonly string[] {
      return broken ? [] : [...accepted]
    },
  }
}
