import t from 'tap'
import { MockAgent } from 'undici'
import { createImageFetch } from '../../../../src/server/openai/image-fetch.ts'

const png = Buffer.from('89504e470d0a1a0a0000000d', 'hex')
const site = 'https://images.example'

function start() {
  const agent = new MockAgent()
  agent.disableNetConnect()
  const fetchImage = createImageFetch(agent)
  return {
    answer: (path: string, status: number, body: string | Buffer = '', headers = {}) =>
      agent.get(site).intercept({ path }).reply(status, body, { headers }),
    fetch: (url: string, { bytes = 1_000, signal = AbortSignal.timeout(60_000) } = {}) =>
      fetchImage(url, { param: 'p', bytes, signal }),
    agent,
  }
}

t.test('an image is fetched, and has the type that it is of', async t => {
  const { answer, fetch } = start()
  const base64 = (bytes: Buffer) => bytes.toString('base64')
  for (const [type, bytes] of [
    ['image/png', png],
    ['image/jpeg', Buffer.from('ffd8ffe0', 'hex')],
    ['image/gif', Buffer.from('GIF89a')],
    ['image/webp', Buffer.from('RIFF\n\0\0\0WEBP')],
  ] as const) {
    answer('/a', 200, bytes, { 'content-type': 'text/html' })
    t.equal(await fetch(`${site}/a`), `data:${type};base64,${base64(bytes)}`)
  }
})

t.test('no address but an https: URL with a public name is asked', async t => {
  const { fetch } = start()
  for (const url of [
    'https://169.254.169.254/latest/meta-data',
    'https://2130706433/',
    'https://[::1]/a.png',
    'https://[::ffff:10.0.0.1]/a.png',
    'https://localhost/a.png',
    'https://gateway:8787/a.png',
    'https://images.example:8443/a.png',
    'https://user:secret@images.example/a.png',
    'http://images.example/a.png',
    'https://',
  ]) {
    await t.rejects(fetch(url), { status: 400, message: /an https: URL with a public name/ }, url)
  }
})

t.test('a redirect, another status, a large or a strange body are refused', async t => {
  const { answer, fetch } = start()
  answer('/moved', 302, '', { location: 'https://elsewhere.example/' })
  await t.rejects(fetch(`${site}/moved`), { status: 400, message: /it redirects elsewhere/ })
  answer('/gone', 404)
  await t.rejects(fetch(`${site}/gone`), { status: 400, message: /images\.example .* status 404/ })
  answer('/large', 200, Buffer.concat([png, Buffer.alloc(1_000)]))
  await t.rejects(fetch(`${site}/large`), { message: /larger than 1000 bytes/ })
  answer('/page', 200, '<svg/>', { 'content-type': 'image/png' })
  await t.rejects(fetch(`${site}/page`), { message: /it is not PNG, JPEG, GIF or WebP/ })
})

t.test('a site that cannot be reached, or does not answer, is said without its words', async t => {
  const { answer, fetch, agent } = start()
  const refuse = (error: Error) => agent.get(site).intercept({ path: '/a' }).replyWithError(error)
  refuse(new Error('Proxy response (403) !== 200 when HTTP Tunneling'))
  await t.rejects(fetch(`${site}/a`), { message: /the proxy refused the name \(403\): add it/ })
  refuse(Object.assign(new Error('a secret'), { code: 'ECONNRESET' }))
  await t.rejects(fetch(`${site}/a`), { status: 400, message: /ECONNRESET/ })
  refuse(new Error('a secret'))
  await t.rejects(fetch(`${site}/a`), { message: /no answer in time$/ })
  answer('/a', 200, png)
  const signal = AbortSignal.abort()
  await t.rejects(fetch(`${site}/a`, { signal }), { message: /no answer in time$/ })
})
