import t from 'tap'
import { attachmentBytes, Prompt, promptText, RunRequest } from '../../../src/run/request.ts'

const image = (data: string) => ({
  type: 'image',
  source: { type: 'base64', media_type: 'image/png', data },
})

t.test('a prompt is text, or blocks of text, images and PDF documents', async t => {
  t.equal(Prompt.parse('hello'), 'hello')
  const blocks = [
    { type: 'text', text: 'what is this?' },
    image('aGVsbG8='),
    {
      type: 'document',
      source: { type: 'base64', media_type: 'application/pdf', data: 'JVBERi0=' },
      title: 'a.pdf',
    },
  ]
  t.same(Prompt.parse(blocks), blocks)
  t.equal(promptText(Prompt.parse(blocks)), 'what is this?\n[image]\n[document]')
})

t.test('blocks are of known kinds, and bounded in number and size', async t => {
  const half = 'a'.repeat(attachmentBytes / 2 + 4)
  for (const [prompt, message] of [
    ['', /empty/],
    [[], /empty/],
    [[{ type: 'tool_use', id: 'x' }], /./],
    [[{ type: 'image', source: { type: 'url', url: 'https://a.test/x.png' } }], /./],
    [[{ ...image('aGVsbG8='), cache_control: {} }], /./],
    [[image('no base64!')], /./],
    [[image(half), image(half)], /images and documents/],
    [Array.from({ length: 101 }, () => ({ type: 'text', text: 'x' })), /100 blocks/],
    [Array.from({ length: 3 }, () => ({ type: 'text', text: 'x'.repeat(4 << 20) })), /of text/],
  ] as const) {
    t.match(Prompt.safeParse(prompt).error?.message, message)
  }
})

t.test('a schema is bounded in size', async t => {
  const request = (length: number) => ({
    prompt: 'x',
    jsonSchema: { description: 'x'.repeat(length) },
  })
  t.ok(RunRequest.safeParse(request(1_000_000)).success)
  t.match(RunRequest.safeParse(request(1_048_576)).error?.message, /at most 1048576 bytes/)
})
