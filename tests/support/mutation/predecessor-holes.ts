/** What is open in tests/fixtures/predecessor and closed in the shipped stack, and how one gets through. */
export const holesOfThePredecessor: readonly { id: string; hole: string }[] = [
  { id: 'N1', hole: 'every service of the host that listens on 0.0.0.0, through the bridge' },
  { id: 'N2', hole: 'the agent’s resolver passes its questions on' },
  { id: 'N5', hole: 'any address whose PTR record says a listed name' },
  { id: 'N7', hole: 'plain http and other ports of a listed host, an SSH banner among them' },
  { id: 'N8', hole: 'a listed name that leads to a private address' },
  { id: 'N9', hole: 'any site of a listed site’s CDN, by the name in the TLS hello' },
  { id: 'N13', hole: 'no limits: one caller can use up the proxy' },
  { id: 'N14', hole: 'Squid’s own pages, methods and schemes' },
  { id: 'N15', hole: 'the API’s other endpoints, with any key' },
  { id: 'N16', hole: 'an unchecked policy' },
  { id: 'N17', hole: 'log lines that a name can forge' },
  { id: 'N19', hole: 'datagrams to the host from a socket that is bound to its interface' },
  { id: 'C2', hole: 'capabilities, new privileges, a writable system' },
  { id: 'C3', hole: 'no limits on memory, processes and logs' },
  { id: 'H3', hole: 'hooks in the host’s own ~/.claude' },
  { id: 'S1', hole: 'the key in the environment of the agent' },
]
