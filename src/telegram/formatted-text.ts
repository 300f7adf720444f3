/** A styled range of a message, in UTF-16 units, as the Bot API has it. */
export type Entity = {
  type: 'bold' | 'italic' | 'strikethrough' | 'code' | 'pre' | 'text_link' | 'blockquote'
  offset: number
  length: number
  /** Of a `text_link`. */
  url?: string
  /** Of a `pre`. */
  language?: string
}

export type FormattedText = { text: string; entities: readonly Entity[] }

/** The style of an entity, without its place. */
export type Style = Omit<Entity, 'offset' | 'length'>

/** Creates the text of a message piece by piece. */
export function createTextWriter() {
  let text = ''
  const entities: Entity[] = []

  return {
    write(piece: string) {
      text += piece
    },

    /** Styles what `work` writes, without the white space around it. */
    styled(style: Style, work: () => void) {
      const index = entities.length
      const from = text.length
      work()
      const inner = text.slice(from)
      const offset = from + inner.length - inner.trimStart().length
      const length = inner.trim().length
      // Before those within it: the outer one comes first.
      if (length > 0) entities.splice(index, 0, { ...style, offset, length })
    },

    /** Returns the message, without white space around it. */
    end(): FormattedText {
      const start = text.length - text.trimStart().length
      return slice({ text, entities: withoutStyledCode(entities) }, start, text.trimEnd().length)
    },
  }
}

/** Returns a part of a message. An entity that continues outside of it is cut, and keeps its style. */
export function slice({ text, entities }: FormattedText, from: number, to: number): FormattedText {
  const inside = entities.flatMap(entity => {
    const offset = Math.max(entity.offset, from)
    const length = Math.min(entity.offset + entity.length, to) - offset
    return length > 0 ? [{ ...entity, offset: offset - from, length }] : []
  })
  return { text: text.slice(from, Math.max(from, to)), entities: inside }
}

/** Cuts each style around the code within it: Telegram refuses code that is part of a style other than a quote. */
function withoutStyledCode(entities: readonly Entity[]): Entity[] {
  const isCode = ({ type }: Entity) => type === 'code' || type === 'pre'
  const codes = entities.filter(isCode)
  return entities.flatMap(entity => {
    if (isCode(entity) || entity.type === 'blockquote') return [entity]
    const pieces: Entity[] = []
    const end = entity.offset + entity.length
    let offset = entity.offset
    for (const code of codes) {
      if (code.offset < offset || code.offset >= end) continue
      if (code.offset > offset) pieces.push({ ...entity, offset, length: code.offset - offset })
      offset = code.offset + code.length
    }
    if (offset < end) pieces.push({ ...entity, offset, length: end - offset })
    return pieces
  })
}
