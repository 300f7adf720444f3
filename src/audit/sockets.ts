/** One local end of a socket in /proc/net/tcp or /proc/net/udp. */
export type LocalSocket = { address: string; port: number; listening: boolean }

/**
 * Parses /proc/net/tcp, tcp6 or udp. The kernel writes an address as numbers in its own byte order,
 * and those of IPv6 stay in that form; loopback, where Docker's resolver listens, is left out.
 */
export function parseSockets(text: string): LocalSocket[] {
  return text.split('\n').flatMap(line => {
    const [, local = '', , state] = line.trim().split(/\s+/)
    const match = /^([0-9A-F]{8}|[0-9A-F]{32}):([0-9A-F]{4})$/.exec(local)
    if (!match) return []
    const [, number = '', port = ''] = match
    const address = number.length === 8 ? dotted(number) : number
    if (address.startsWith('127.') || address === loopback6) return []
    return [{ address, port: Number.parseInt(port, 16), listening: state === '0A' }]
  })
}

const loopback6 = '00000000000000000000000001000000'

function dotted(number: string) {
  const bytes = number.match(/../g) ?? []
  return bytes
    .reverse()
    .map(byte => Number.parseInt(byte, 16))
    .join('.')
}
