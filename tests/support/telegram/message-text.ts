import { badRequest } from './api-error.ts'
import type { MessageEntity, ReplyMarkup } from './bot-objects.ts'

const mostUnits = { text: 4096, caption: 1024 }

/** Entities of a message beyond this number are dropped without an error. */
const mostEntities = 100

const entityTypes =
  /^(?:mention|hashtag|cashtag|bot_command|url|email|phone_number|bold|italic|underline|strikethrough|spoiler|blockquote|expandable_blockquote|code|pre|text_link|text_mention|custom_emoji|date_time)$/

/** Returns the text of a message with its entities, checked as Telegram does. Markup of a parse_mode stays in it. */
export function checkText(
  kind: 'text' | 'caption',
  values: Record<string, unknown>,
): { text: string; entities: MessageEntity[] } {
  const text = String(values[kind] ?? '').trimEnd()
  if (kind === 'text' && text.trim() === '') throw badRequest('message text is empty')
  if (text.length > mostUnits[kind]) {
    throw badRequest(kind === 'text' ? 'message is too long' : 'message caption is too long')
  }
  checkMarkup(text, values.parse_mode)
  const given = values[kind === 'text' ? 'entities' : 'caption_entities'] ?? []
  if (!Array.isArray(given)) throw badRequest("can't parse entities: expected an Array")
  for (const entity of given) checkEntity(entity, text)
  return { text, entities: given.slice(0, mostEntities) }
}

function checkEntity({ type, offset, length, url }: MessageEntity, text: string) {
  const end = offset + length
  const wrong =
    !entityTypes.test(type) || !Number.isInteger(offset) || !Number.isInteger(length) || offset < 0
  if (wrong) throw badRequest(`can't parse entities: unsupported entity ${type}`)
  if (length <= 0) throw badRequest('receive an entity with incorrect length')
  if (end > text.length) {
    throw badRequest(
      `entity beginning at UTF-16 offset ${offset} ends after the end of the text at UTF-16 offset ${end}`,
    )
  }
  if (
    [offset, end].some(at => /^[\ud800-\udbff][\udc00-\udfff]$/.test(text.slice(at - 1, at + 1)))
  ) {
    throw badRequest(`entity begins in a middle of a UTF-16 symbol at byte offset ${offset}`)
  }
  if (type === 'text_link' && !URL.canParse(url ?? '')) throw badRequest('wrong HTTP URL specified')
}

/** Refuses markup that Telegram cannot parse. */
function checkMarkup(text: string, mode: unknown) {
  if (mode === undefined || mode === '') return
  switch (String(mode).toLowerCase()) {
    case 'markdownv2': {
      const reserved = /(?<!\\)[.!\-=|{}+#]/.exec(text)
      if (reserved) {
        throw badRequest(
          `can't parse entities: Character '${reserved[0]}' is reserved and must be escaped with the preceding '\\'`,
        )
      }
      return checkPairs(text)
    }
    case 'markdown':
      return checkPairs(text)
    case 'html': {
      const open = text.match(/<[a-z][^>]*>/g)?.length ?? 0
      const closed = text.match(/<\/[a-z]+>/g)?.length ?? 0
      if (open === closed && !/<(?![a-z/])/.test(text)) return
      throw badRequest(`can't parse entities: Can't find end tag`)
    }
    default:
      throw badRequest('unsupported parse_mode')
  }
}

function checkPairs(text: string) {
  const odd = ['*', '_', '`'].find(
    mark => text.replaceAll(`\\${mark}`, '').split(mark).length % 2 === 0,
  )
  if (!odd) return
  const offset = Buffer.byteLength(text.slice(0, text.lastIndexOf(odd)))
  throw badRequest(
    `can't parse entities: Can't find end of the entity starting at byte offset ${offset}`,
  )
}

/** Returns the keyboard of a message, checked; undefined without one. */
export function checkMarkupOf(values: Record<string, unknown>): ReplyMarkup | undefined {
  const markup = values.reply_markup as ReplyMarkup | undefined
  const buttons = markup?.inline_keyboard?.flat() ?? []
  for (const { text, callback_data, url } of buttons) {
    if (typeof text !== 'string' || text === '') {
      throw badRequest(`can't parse inline keyboard button: Field "text" must be of type String`)
    }
    if (callback_data === undefined && url === undefined) {
      throw badRequest('Text buttons are unallowed in the inline keyboard')
    }
    const bytes = Buffer.byteLength(callback_data ?? 'x')
    if (bytes < 1 || bytes > 64) throw badRequest('BUTTON_DATA_INVALID')
  }
  if (buttons.length > 100) throw badRequest('REPLY_MARKUP_TOO_LONG')
  return buttons.length === 0 && markup?.inline_keyboard ? undefined : markup
}

/** Finds the entities that Telegram adds to what a person writes: commands, as far as a bot needs them. */
export function commandEntities(text: string): MessageEntity[] {
  return [...text.matchAll(/(?<![^\s])\/[a-zA-Z0-9_]{1,32}(?:@\w{3,32})?(?!\w)/g)].map(found => ({
    type: 'bot_command',
    offset: found.index,
    length: found[0].length,
  }))
}
