import type { RequestListener } from 'node:http'
import type { BotApiControl } from './bot-api.ts'

/** The control of a stand-in in another process: each call is a request. */
export type RemoteControl = {
  [Name in keyof BotApiControl]: (
    ...args: Parameters<BotApiControl[Name]>
  ) => Promise<ReturnType<BotApiControl[Name]>>
}

/** Answers `POST /__control/NAME` with the arguments as a JSON array. */
export function controlPaths(control: BotApiControl): RequestListener {
  return (request, response) => {
    const chunks: Buffer[] = []
    request.on('data', (chunk: Buffer) => chunks.push(chunk))
    request.on('end', () => {
      try {
        const name = request.url?.slice('/__control/'.length) ?? ''
        const operation = control[name as keyof BotApiControl] as
          | ((...args: unknown[]) => unknown)
          | undefined
        if (!operation) return response.writeHead(404).end(`no operation ${name}`)
        const result = operation(...JSON.parse(Buffer.concat(chunks).toString()))
        return response.end(JSON.stringify(result ?? null))
      } catch (error) {
        return response.writeHead(400).end(String(error))
      }
    })
  }
}

/** Returns the control of the stand-in at this URL, for example `http://203.0.113.11`. */
export function remoteControl(url: string): RemoteControl {
  const call =
    (name: string) =>
    async (...args: unknown[]) => {
      const body = JSON.stringify(args)
      const response = await fetch(`${url}/__control/${name}`, { method: 'POST', body })
      const text = await response.text()
      if (!response.ok) throw new Error(`${name}: ${text}`)
      return JSON.parse(text)
    }
  // The names of the operations are those of the other side. A promise has a `then`, this has none.
  return new Proxy({} as RemoteControl, {
    get: (_, name) => (name === 'then' ? undefined : call(String(name))),
  })
}
