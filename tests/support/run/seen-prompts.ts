import type { TestStack } from '../stack/test-stack.ts'

type Block = { type: string; text?: string }
export type SeenPrompt = {
  model: string
  system: string
  effort: string | undefined
  tools: string[]
  /** Texts of the last message of the user. */
  texts: string[]
  /** How many messages the conversation has. */
  messages: number
}

/** What reached the model, request by request. */
export async function seenPrompts(stack: TestStack): Promise<SeenPrompt[]> {
  const requests = await stack.internet.modelRequests()
  return requests
    .filter(({ method, path }) => method === 'POST' && /^\/v1\/messages(\?|$)/.test(path))
    .map(({ body }) => parse(JSON.parse(body)))
}

// biome-ignore lint/suspicious/noExplicitAny: whatever Claude Code sends; the assertions judge it
function parse(body: any): SeenPrompt {
  const users = body.messages.filter(({ role }: { role: string }) => role === 'user')
  return {
    model: body.model,
    system: textsOf(body.system ?? []).join('\n'),
    effort: body.output_config?.effort,
    tools: (body.tools ?? []).map(({ name }: { name: string }) => name),
    texts: textsOf(users.at(-1)?.content ?? []),
    messages: body.messages.length,
  }
}

function textsOf(content: string | Block[]): string[] {
  if (typeof content === 'string') return [content]
  return content.flatMap(({ text }) => (text === undefined ? [] : [text]))
}
