/** One local end of a socket in /proc/net/tcp or /proc/net/udp. */
export type LocalSocket = { address: string; port: number; listening: boolean }

/**
 * The sockets in the text of /proc/net/tcp or udp. The kernel writes an address as one number in its
 * own byte order; loopback, where Docker's own resolver waits, is left out.
 */
export function parseSockets(text: string): LocalSocket[] {
  return text.split('\n').flatMap(line => {
    const match =
      /^\s*\d+: ([0-9A-F]{8}):([0-9A-F]{4}) [0-9A-F]{8}:[0-9A-F]{4} ([0-9A-F]{2}) /.exec(line)
    if (!match) return []
    const [, number = '', port = '', state] = match
    const bytes = number.match(/../g) ?? []
    const address = bytes
      .reverse()
      .map(byte => Number.parseInt(byte, 16))
      .join('.')
    if (address.startsWith('127.')) return []
    return [{ address, port: Number.parseInt(port, 16), listening: state === '0A' }]
  })
}
