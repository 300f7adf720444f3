import t from 'tap'
import { createDeferred } from '../../../../src/base/async.ts'
import type { ChatMessage } from '../../../../src/server/openai/chat-body.ts'
import type { FetchImage } from '../../../../src/server/openai/image-fetch.ts'
import { createRemoteImages } from '../../../../src/server/openai/remote-images.ts'
import type { Caller } from '../../../../src/tenants/tokens.ts'

const caller: Caller = {
  tenant: { name: 'main', budget: {} },
  token: {
    ...{ name: 'one', tenant: 'main', sha256: 'a'.repeat(64), createdAt: '2026-11-29T00:00:00Z' },
    ...{ budget: {}, modes: ['openai'], strictStatus: false },
  },
}
const left = new AbortController().signal
const image = (url: string) => ({ type: 'image_url', image_url: { url } })
const text = { type: 'text', text: 'look' }
const data = 'data:image/png;base64,AAAA'

function inliner(fetchImage: FetchImage | null) {
  const { inline } = createRemoteImages({ fetchImage, tenants: () => 1 })
  return (messages: ChatMessage[]) => inline(caller, messages, left)
}

t.test('images on the web take the place of their address, for every role', async t => {
  const asked: string[] = []
  const inline = inliner(async (url, { param }) => {
    asked.push(`${param} ${url}`)
    return data
  })
  const messages: ChatMessage[] = [
    { role: 'user', content: [text, image('https://a.example/1'), image(data)] },
    { role: 'assistant', content: 'https://a.example/text' },
    { role: 'tool', content: [{ type: 'input_image', image_url: 'HTTPS://a.example/2' }] },
    { role: 'user', content: null },
  ]
  t.same(await inline(messages), [
    { role: 'user', content: [text, { type: 'image_url', image_url: data }, image(data)] },
    messages[1],
    { role: 'tool', content: [{ type: 'image_url', image_url: data }] },
    messages[3],
  ])
  t.same(asked, [
    'messages.0.content.1 https://a.example/1',
    'messages.2.content.0 HTTPS://a.example/2',
  ])
})

t.test('without a way to the web, and without images of it, nothing changes', async t => {
  const messages: ChatMessage[] = [{ role: 'user', content: [image('https://a.example/1')] }]
  t.same(await inliner(null)(messages), messages)
  const plain: ChatMessage[] = [{ role: 'user', content: [text, image('http://a.example/1')] }]
  t.same(await inliner(() => Promise.reject(new Error('asked')))(plain), plain)
})

t.test('a request has a bound of images and of bytes', async t => {
  const given: number[] = []
  const large = `data:image/png;base64,${'A'.repeat(8_000_000)}`
  const inline = inliner(async (_, { bytes }) => {
    given.push(bytes)
    return large
  })
  const content = [1, 2, 3].map(n => image(`https://a.example/${n}`))
  await inline([{ role: 'user', content }])
  t.ok(given[0] === 15 * 1024 * 1024 && (given[1] ?? 0) < given[0] - 5_900_000)
  t.ok((given[2] ?? 0) < (given[1] ?? 0))
  const many = Array.from({ length: 21 }, () => image('https://a.example/1'))
  await t.rejects(inline([{ role: 'user', content: many }]), { status: 400, message: /20 images/ })
  t.equal(given.length, 3)
})

t.test('a token fetches for two requests at once, and a failure makes room', async t => {
  const gate = createDeferred<string>()
  let isBroken = true
  const inline = inliner(() => (isBroken ? Promise.reject(new Error('broken')) : gate.promise))
  const messages: ChatMessage[] = [{ role: 'user', content: [image('https://a.example/1')] }]
  for (let n = 0; n < 3; n++) await t.rejects(inline(messages), { message: 'broken' })
  isBroken = false
  const first = [inline(messages), inline(messages)]
  const third = inline(messages).catch(error => error)
  gate.resolve(data)
  t.match(await third, { status: 503, headers: { 'retry-after': '5' } })
  await Promise.all(first)
  t.ok(await inline(messages))
})
