import * as z from 'zod'
import type { ContentBlock } from '../../run/request.ts'
import { badRequest } from './openai-error.ts'

const Text = z.object({ text: z.string() })
const Refusal = z.object({ refusal: z.string() })
const Image = z.object({
  image_url: z.union([z.string(), z.object({ url: z.string() }).transform(({ url }) => url)]),
})
const File = z.object({
  file: z.object({ filename: z.string().max(500).nullish(), file_data: z.string() }),
})

/** A part of a message; its form depends on its type. */
export const Part = z.looseObject({ type: z.string() })
export type Part = z.infer<typeof Part>

export type Content = string | readonly Part[] | null | undefined

/** Converts the content of a message to blocks. `param` names it in errors. */
export function blocksOf(content: Content, param: string): ContentBlock[] {
  if (content === null || content === undefined) return []
  if (typeof content === 'string') return content === '' ? [] : [{ type: 'text', text: content }]
  return content.flatMap((part, index) => blocksOfPart(part, `${param}.${index}`))
}

function blocksOfPart(part: Part, param: string): ContentBlock[] {
  switch (part.type) {
    case 'text':
    case 'input_text':
    case 'output_text': {
      const { text } = read(Text, part, param)
      return text === '' ? [] : [{ type: 'text', text }]
    }
    case 'refusal':
      return [{ type: 'text', text: read(Refusal, part, param).refusal }]
    case 'image_url':
    case 'input_image':
      return [imageBlock(read(Image, part, param).image_url, `${param}.image_url`)]
    case 'file':
      return [fileBlock(read(File, part, param).file, `${param}.file`)]
    case 'input_file':
      return [fileBlock(read(File.shape.file, part, param), param)]
    default:
      throw badRequest(`content of type ${part.type.slice(0, 40)} is not supported`, param)
  }
}

function read<T>(schema: z.ZodType<T>, part: Part, param: string): T {
  const parsed = schema.safeParse(part)
  if (parsed.success) return parsed.data
  const [issue] = parsed.error.issues
  const at = [param, ...(issue?.path ?? [])].join('.')
  throw badRequest(`${at}: ${issue?.message ?? 'is not valid'}`, at)
}

const imageTypes = new Map([
  ['image/png', 'image/png'],
  ['image/jpeg', 'image/jpeg'],
  ['image/jpg', 'image/jpeg'],
  ['image/gif', 'image/gif'],
  ['image/webp', 'image/webp'],
] as const)

/** Takes a `data:` URL alone: an image on the web was put in its place before (threat M5). */
function imageBlock(url: string, param: string): ContentBlock {
  const data = parseDataUrl(url)
  if (!data) throw badRequest('an image must be a data: URL with base64, or an https: URL', param)
  const type = [...imageTypes].find(([name]) => name === data.type)?.[1]
  if (!type) throw badRequest('an image must be PNG, JPEG, GIF or WebP', param)
  return { type: 'image', source: { type: 'base64', media_type: type, data: data.base64 } }
}

function fileBlock(
  { filename, file_data }: z.infer<typeof File>['file'],
  param: string,
): ContentBlock {
  const data = parseDataUrl(file_data) ?? { type: 'application/pdf', base64: file_data }
  if (/^text\/|^application\/json$/.test(data.type)) {
    const text = Buffer.from(data.base64, 'base64').toString()
    return { type: 'text', text: filename ? `${filename}:\n\n${text}` : text }
  }
  if (data.type !== 'application/pdf') {
    throw badRequest('a file must be a PDF or text, in base64', param)
  }
  const source = { type: 'base64', media_type: 'application/pdf', data: data.base64 } as const
  return { type: 'document', source, ...(filename && { title: filename }) }
}

/** Looks at the head of the URL only: its data can have many megabytes. */
function parseDataUrl(url: string): { type: string; base64: string } | null {
  const comma = url.indexOf(',')
  if (comma < 0 || comma > 200) return null
  const [, type] = /^data:([\w.+-]+\/[\w.+-]+)(?:;[\w.+-]+=[^;,]*)*;base64$/i.exec(
    url.slice(0, comma),
  ) ?? [null, null]
  return type ? { type: type.toLowerCase(), base64: url.slice(comma + 1) } : null
}
