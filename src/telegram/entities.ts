import { type MarkedToken, marked, type Token, type Tokens } from 'marked'
import { createTextWriter, type FormattedText } from './formatted-text.ts'
import { renderTable } from './table.ts'

type Writer = ReturnType<typeof createTextWriter>

/**
 * Maximum units that are parsed. The parser takes quadratic time for hostile Markdown, and holds up every chat
 * of the server meanwhile; a longer answer is sent as a file.
 */
export const mostMarkdown = 16 * 1024

/**
 * Renders Markdown as the text and entities of a Telegram message. Text that the parser cannot take, such as
 * thousands of nested quotes, and text above `mostMarkdown` stays as it is.
 */
export function renderEntities(markdown: string): FormattedText {
  const plain = { text: markdown.trim(), entities: [] }
  if (markdown.length > mostMarkdown) return plain
  const writer = createTextWriter()
  try {
    writeBlocks(writer, marked.lexer(markdown, { gfm: true }), { indent: '', quoted: false })
    return writer.end()
  } catch (error) {
    if (error instanceof RangeError) return plain
    throw error
  }
}

type Place = {
  /** Put before each further line of a list item. */
  indent: string
  /** Telegram has no quote within a quote. */
  quoted: boolean
}

function writeBlocks(writer: Writer, tokens: readonly Token[], place: Place, gap = '\n\n') {
  const blocks = tokens.filter(({ type }) => type !== 'space' && type !== 'def')
  for (const [index, block] of blocks.entries()) {
    if (index > 0) writer.write(`${gap}${place.indent}`)
    writeBlock(writer, block as MarkedToken, place)
  }
}

function writeBlock(writer: Writer, token: MarkedToken, place: Place): void {
  switch (token.type) {
    case 'heading':
      writer.styled({ type: 'bold' }, () => writeInline(writer, token.tokens))
      break
    case 'code':
      writer.styled(preStyle(token.lang), () => writer.write(token.text))
      break
    case 'table':
      writer.styled({ type: 'pre' }, () => writer.write(renderTable(cellsOf(token))))
      break
    case 'blockquote': {
      const work = () => writeBlocks(writer, token.tokens, { ...place, quoted: true })
      if (place.quoted) work()
      else writer.styled({ type: 'blockquote' }, work)
      break
    }
    case 'list':
      writeList(writer, token, place)
      break
    case 'hr':
      writer.write('———')
      break
    case 'paragraph':
      writeInline(writer, token.tokens)
      break
    default:
      writeInline(writer, [token])
      break
  }
}

function writeList(writer: Writer, list: Tokens.List, place: Place) {
  for (const [index, item] of list.items.entries()) {
    if (index > 0) writer.write(`\n${place.indent}`)
    const box = item.checked ? '☑ ' : '☐ '
    const number = list.ordered ? `${Number(list.start) + index}. ` : '• '
    writer.write(item.task ? box : number)
    const tokens = item.tokens.filter(({ type }) => type !== 'checkbox')
    writeBlocks(writer, tokens, { ...place, indent: `${place.indent}  ` }, '\n')
  }
}

function writeInline(writer: Writer, tokens: readonly Token[]): void {
  for (const token of tokens) writeSpan(writer, token as MarkedToken)
}

function writeSpan(writer: Writer, token: MarkedToken): void {
  switch (token.type) {
    case 'strong':
      writer.styled({ type: 'bold' }, () => writeInline(writer, token.tokens))
      break
    case 'em':
      writer.styled({ type: 'italic' }, () => writeInline(writer, token.tokens))
      break
    case 'del':
      writer.styled({ type: 'strikethrough' }, () => writeInline(writer, token.tokens))
      break
    case 'codespan':
      writer.styled({ type: 'code' }, () => writer.write(token.text))
      break
    case 'link':
      writeLink(writer, token)
      break
    case 'image':
      writer.write(token.text ? `${token.text} (${token.href})` : token.href)
      break
    case 'br':
      writer.write('\n')
      break
    case 'checkbox':
      break
    case 'text':
      if (token.tokens) writeInline(writer, token.tokens)
      else writer.write(decodeReferences(token.text))
      break
    case 'escape':
      writer.write(token.text)
      break
    default:
      writer.write(token.raw)
      break
  }
}

/** Writes a link. One that Telegram cannot open, such as a path of the workspace, shows where it leads. */
function writeLink(writer: Writer, { text, href, tokens }: Tokens.Link) {
  const opens = /^https?:\/\/\S+$/i.test(href) && URL.canParse(href)
  // Telegram finds a bare address by itself.
  if (text === href) writer.write(href)
  else if (opens) writer.styled({ type: 'text_link', url: href }, () => writeInline(writer, tokens))
  else {
    writeInline(writer, tokens)
    if (href !== '' && href !== `mailto:${text}`) writer.write(` (${href})`)
  }
}

function preStyle(words: string | undefined) {
  const language = /^[\w.#+-]{1,32}/.exec(words ?? '')?.[0]
  return { type: 'pre' as const, ...(language !== undefined && { language }) }
}

/** Returns the texts of a table, its head first. */
function cellsOf({ header, rows }: Tokens.Table): string[][] {
  return [header, ...rows].map(row => row.map(({ tokens }) => plainText(tokens)))
}

function plainText(tokens: readonly Token[]): string {
  const writer = createTextWriter()
  writeInline(writer, tokens)
  return writer.end().text.replaceAll('\n', ' ')
}

const references: Record<string, string> = {
  '&lt;': '<',
  '&gt;': '>',
  '&amp;': '&',
  '&quot;': '"',
  '&#39;': "'",
  '&nbsp;': '\u00a0',
}

function decodeReferences(text: string) {
  return text.replace(/&(?:lt|gt|amp|quot|#39|nbsp);/g, name => references[name] ?? name)
}
