import { createHash } from 'node:crypto'
import type { ContentBlock, Prompt } from '../../run/request.ts'
import type { ChatMessage } from './chat-body.ts'
import { blocksOf } from './content.ts'
import { badRequest } from './openai-error.ts'

type Said = { role: 'user' | 'assistant' | 'tool'; blocks: ContentBlock[] }

/** A conversation as a client sent it. */
export type Conversation = {
  /** The system and developer messages, as one text. */
  systemPrompt: string | undefined
  /** Everything up to the last answer, as a digest; null before the first answer. */
  past: string | null
  /** Returns the digest that the next request has as its past, if it repeats this answer. */
  pastWith: (answer: string) => string
  /** The prompt that has the whole conversation in it. */
  whole: Prompt
  /** The prompt for a session that knows the past: what was said since the last answer. */
  latest: Prompt
}

/** Reads the messages of a request. Throws when there is nothing to answer. */
export function readConversation(messages: readonly ChatMessage[]): Conversation {
  const system: string[] = []
  const said: Said[] = []
  for (const [index, message] of messages.entries()) {
    const blocks = blocksOf(message.content, `messages.${index}.content`)
    if (message.role === 'system' || message.role === 'developer') system.push(textOf(blocks))
    else said.push({ role: roleOf(message), blocks: [...blocks, ...callsOf(message)] })
  }
  const last = said.findLastIndex(({ role }) => role === 'user')
  if (last < 0 || said[last]?.blocks.length === 0) {
    throw badRequest('no user message provided', 'messages')
  }
  const systemPrompt = system.filter(Boolean).join('\n\n') || undefined
  const answered = said.findLastIndex(({ role }) => role === 'assistant') + 1
  const ends = last === said.length - 1
  return {
    systemPrompt,
    past: answered === 0 ? null : digestOf(systemPrompt, said.slice(0, answered)),
    pastWith: answer =>
      digestOf(systemPrompt, [
        ...said,
        { role: 'assistant', blocks: [{ type: 'text', text: answer }] },
      ]),
    whole: plain(ends ? promptOf(said.slice(0, last), said[last]) : promptOf(said)),
    latest: plain(joined(said.slice(answered).flatMap(({ blocks }) => blocks))),
  }
}

function roleOf({ role }: ChatMessage): Said['role'] {
  if (role === 'user' || role === 'assistant') return role
  return 'tool'
}

/** Calls of the client's own tools are a part of what was said. */
function callsOf({ tool_calls: calls }: ChatMessage): ContentBlock[] {
  return (calls ?? []).map(({ function: { name, arguments: input } }) => ({
    type: 'text',
    text: `[called the tool ${name} with ${input || '{}'}]`,
  }))
}

/**
 * Writes the past as a transcript before the last message. A run begins with one prompt, so that the model
 * gets the roles as tags.
 */
function promptOf(past: readonly Said[], last?: Said): ContentBlock[] {
  if (past.length === 0) return last?.blocks ?? []
  const text = (words: string): ContentBlock => ({ type: 'text', text: words })
  const turns = past.flatMap(({ role, blocks }) => [
    text(`<${role}>`),
    ...blocks,
    text(`</${role}>`),
  ])
  const task = last
    ? 'Above is the conversation so far. The next message of the user, which you answer:'
    : 'Above is the conversation so far. Write the next message of the assistant.'
  return joined([
    text('<conversation>'),
    ...turns,
    text(`</conversation>\n\n${task}\n`),
    ...(last?.blocks ?? []),
  ])
}

/** Joins neighbouring texts: a prompt has a limited number of blocks. */
function joined(blocks: readonly ContentBlock[]): ContentBlock[] {
  const result: ContentBlock[] = []
  for (const block of blocks) {
    const before = result.at(-1)
    if (block.type === 'text' && before?.type === 'text') {
      result[result.length - 1] = { type: 'text', text: `${before.text}\n${block.text}` }
    } else result.push(block)
  }
  return result
}

/** A command of Claude Code, which begins with a slash, is one only as text. */
function plain(blocks: ContentBlock[]): Prompt {
  const [first] = blocks
  return blocks.length === 1 && first?.type === 'text' ? first.text : blocks
}

export function textOf(blocks: readonly ContentBlock[]): string {
  return blocks.flatMap(block => (block.type === 'text' ? [block.text] : [])).join('\n')
}

function digestOf(systemPrompt: string | undefined, said: readonly Said[]): string {
  const hash = createHash('sha256').update(JSON.stringify(systemPrompt ?? null))
  // Clients trim an answer before they repeat it.
  for (const { role, blocks } of said) {
    hash.update(JSON.stringify([role, textOf(blocks).trim()]))
    for (const block of blocks) if (block.type !== 'text') hash.update(JSON.stringify(block))
  }
  return hash.digest('hex')
}
