import { type Entity, type FormattedText, slice } from './formatted-text.ts'

/** Maximum UTF-16 units of a message. */
export const messageUnits = 4096

/** A longer answer is a file: a chat is not flooded, and Telegram takes 20 messages a minute in a group. */
export const mostParts = 4

/**
 * Splits a text into messages; null when it needs more than `parts` of them, and must be sent as a file. Cuts
 * between paragraphs, else lines, else words, and within an entity only if it is too large. A cut entity, such
 * as a code block, goes on in the next message with its language. Never cuts a surrogate pair.
 */
export function splitMessage(
  message: FormattedText,
  { units = messageUnits, parts = mostParts } = {},
): FormattedText[] | null {
  const messages: FormattedText[] = []
  let rest = trimmed(message)
  while (rest.text !== '') {
    if (messages.length === parts) return null
    const cut = rest.text.length <= units ? rest.text.length : cutBefore(rest, units)
    const part = slice(rest, 0, cut)
    messages.push(slice(part, 0, part.text.trimEnd().length))
    const next = rest.text[cut] === ' ' ? cut + 1 : cut
    rest = trimmed(slice(rest, next, rest.text.length))
  }
  return messages
}

/** Removes the empty lines at the start, and with them no indentation of the first line. */
function trimmed(message: FormattedText): FormattedText {
  const end = message.text.trimEnd().length
  const start = /^(?:[^\S\n]*\n)*/.exec(message.text)?.[0].length ?? 0
  return slice(message, Math.min(start, end), end)
}

/** Returns where to cut a text that is longer than `units`. */
function cutBefore({ text, entities }: FormattedText, units: number): number {
  const inside = (at: number, list: readonly Entity[]) =>
    list.some(({ offset, length }) => offset < at && at < offset + length)
  const inline = entities.filter(({ type }) => type === 'code' || type === 'text_link')
  const tries: [string, readonly Entity[]][] = [
    ['\n\n', entities],
    ['\n', entities],
    ['\n', inline],
    [' ', inline],
  ]
  for (const [separator, whole] of tries) {
    // A first half that is nearly empty makes more messages than it makes readable.
    for (let at = units; at > units / 4; at--) {
      const found = text.lastIndexOf(separator, at)
      if (found <= units / 4) break
      if (!inside(found, whole)) return found
      at = found
    }
  }
  return splitsPair(text, units) ? units - 1 : units
}

function splitsPair(text: string, at: number): boolean {
  return /^[\ud800-\udbff][\udc00-\udfff]$/.test(text.slice(at - 1, at + 1))
}
