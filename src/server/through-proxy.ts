import { type Dispatcher, ProxyAgent } from 'undici'

/** The way out of the server: the proxy lets through the names of `server_sites` alone. */
export function throughProxy(proxy: string): Dispatcher {
  const timeout = 10_000
  return new ProxyAgent({ uri: proxy, proxyTls: { timeout }, requestTls: { timeout } })
}

/** Returns what to tell about a name that the proxy refused; null for another error. */
export function refusedByProxy(error: unknown): string | null {
  const match = error instanceof Error && /^Proxy response \((\d{3})\)/.exec(error.message)
  return match ? `the proxy refused the name (${match[1]}): add it to server_sites` : null
}
