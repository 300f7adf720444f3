import { once } from 'node:events'
import { bridgeMcp } from '../../operations/mcp-bridge/bridge.ts'
import { type EndpointOptions, findEndpoint } from '../../operations/mcp-bridge/find-endpoint.ts'
import type { Invocation } from '../invocation.ts'

/** Speaks MCP on stdin and stdout for the server, until stdin ends. */
export async function mcpBridge(options: EndpointOptions, invocation: Invocation) {
  const endpoint = await findEndpoint(invocation, options)
  const { stdin, stdout } = process
  const end = () => stdin.destroy()
  invocation.signal.addEventListener('abort', end, { once: true })
  try {
    await bridgeMcp({
      endpoint,
      input: stdin,
      signal: invocation.signal,
      async write(line) {
        // At the client's pace, so that what it does not read is not kept here.
        if (!stdout.write(`${line}\n`)) await once(stdout, 'drain', { signal: invocation.signal })
      },
    })
  } finally {
    invocation.signal.removeEventListener('abort', end)
  }
}
