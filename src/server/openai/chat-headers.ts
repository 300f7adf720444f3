import { createHash } from 'node:crypto'
import type { FastifyRequest } from 'fastify'
import type { Caller } from '../../tenants/tokens.ts'
import { badRequest } from './openai-error.ts'

/** What the headers of a request say about its run. */
export type ChatHeaders = {
  workspace: string | null
  /** Goes on with the last conversation of the workspace. */
  continues: boolean
  appendSystemPrompt: string | null
  chatId: string | null
  idempotencyKey: string | null
  /** How often an official client has repeated this request; null for another client. */
  retries: number | null
}

export function readChatHeaders({ raw }: FastifyRequest): ChatHeaders {
  const header = (name: string) => {
    const value = raw.headers[name]
    const text = utf8Of(typeof value === 'string' ? value : '').trim()
    return text === '' ? null : text
  }
  const idempotencyKey = header('idempotency-key')
  if (idempotencyKey !== null && !/^[\x20-\x7e]{1,255}$/.test(idempotencyKey)) {
    throw badRequest('Idempotency-Key must be 1 to 255 characters of ASCII', 'Idempotency-Key')
  }
  const retries = header('x-stainless-retry-count')
  return {
    workspace: header('x-claude-workspace'),
    continues: /^(1|true|yes|on)$/i.test(header('x-claude-continue') ?? ''),
    appendSystemPrompt: header('x-claude-append-system-prompt'),
    chatId: header('x-openwebui-chat-id'),
    idempotencyKey,
    retries: retries !== null && /^\d{1,3}$/.test(retries) ? Number(retries) : null,
  }
}

/** Node.js gives each byte of a header as one character; clients send UTF-8. */
function utf8Of(value: string): string {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(Buffer.from(value, 'latin1'))
  } catch {
    return value
  }
}

/**
 * Tells requests apart: equal for a request and its repetition. A token that was added again under its name is
 * another one, and gets no answer of the earlier one.
 *
 * @param protocol the same body means something else in each
 */
export function requestDigest(
  { tenant, token }: Pick<Caller, 'tenant' | 'token'>,
  protocol: 'chat' | 'responses' | 'messages',
  headers: ChatHeaders,
  body: unknown,
): string {
  const owner = [tenant.name, token.name, token.sha256, protocol]
  const { retries: _, idempotencyKey: __, ...asked } = headers
  return createHash('sha256')
    .update(JSON.stringify([owner, asked, body]))
    .digest('hex')
}
