import type { ChatBody } from './chat-body.ts'
import { blocksOf } from './content.ts'
import { textOf } from './conversation.ts'

/** A client that asks for so few tokens wants a word, or checks whether anything answers. */
const fewTokens = 64

/** How the prompts of chat interfaces for titles, tags, follow-ups and the like begin. */
const known = [
  // Open WebUI
  /^### Task:\s+(?:Generate (?:a concise|1-3 broad tags|a detailed prompt)|Suggest 3-5 relevant follow-up|Analyze the chat history to determine|You are an autocompletion system)/,
  // LibreChat
  /^(?:Please )?(?:generate|provide) a concise, 5-word-or-less title/i,
  /^Analyze this conversation and provide:\s+1\. The detected language/,
  // LiteLLM
  /^(?:Hey how's it going\?|What's 1 \+ 1\?|test from litellm)\s*$/i,
]

/**
 * Returns whether a request is a small one beside a chat: a title, tags, follow-up questions, a health check. Such
 * a request needs no tools, and must not wait for the workspace of its chat.
 */
export function isSideCall(
  body: Pick<ChatBody, 'messages' | 'tools' | 'max_tokens' | 'max_completion_tokens'>,
): boolean {
  if ((body.tools ?? []).length > 0) return false
  const most = body.max_completion_tokens ?? body.max_tokens ?? Number.POSITIVE_INFINITY
  if (most <= fewTokens) return true
  const [only, ...others] = body.messages.filter(({ role }) => !/^(system|developer)$/.test(role))
  if (only?.role !== 'user' || others.length > 0) return false
  const text = textOf(blocksOf(only.content, 'messages')).trimStart()
  return known.some(pattern => pattern.test(text))
}

/** In the place of Claude Code's own system prompt, which is about tools. */
export const sideSystemPrompt = 'Do what the user asks for. Answer with the result alone.'
