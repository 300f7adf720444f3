import t from 'tap'
import { readSent } from '../../../src/git/bundle.ts'

const id = 'a'.repeat(40)
const header = `tips ${id} -\n# v2 git bundle\n-${id} subject\n${id} refs/heads/x\n\n`
const pack = Buffer.from('PACK\0\0\0\x02\0\0\0\x03rest of it')

async function* inPieces(bytes: Buffer, size: number) {
  for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size)
}

async function read(bytes: Buffer, size = 1_000, limit = 1_000) {
  const sent = await readSent(inPieces(bytes, size), limit)
  const chunks: Buffer[] = []
  for await (const chunk of sent.pack) chunks.push(chunk)
  return { ...sent, pack: Buffer.concat(chunks).toString('latin1') }
}

t.test('a stream is read in pieces of any size', async t => {
  const whole = Buffer.concat([Buffer.from(header), pack])
  for (const size of [1, 7, 1_000]) {
    t.match(await read(whole, size), {
      ...{ branch: id, head: null, objects: 3, pack: pack.toString('latin1') },
    })
  }
})

t.test('tips alone are nothing new, as is a bundle without a pack', async t => {
  t.match(await read(Buffer.from(`tips ${id} ${id}\n`)), { branch: id, head: id, objects: 0 })
  t.match(await read(Buffer.from(header)), { branch: id, objects: 0, pack: '' })
})

t.test('every other form is refused', async t => {
  const forms = [
    '',
    'tips\n',
    `tips ${'a'.repeat(39)} -\n`,
    `tips --output=x -\n`,
    `tips ${id} -\n# v9 git bundle\n\n`,
    `tips ${id} -\n# v3 git bundle\n@filter=blob:none\n\nPACK`,
    `tips ${id} -\n# v2 git bundle\n${id} x`,
    `${header}PACX\0\0\0\x02\0\0\0\x03`,
    `${header}PACK`,
    `${header.slice(0, -1)}${'x'.repeat(70_000)}\n`,
    `${header.slice(0, -1)}${'x\n'.repeat(70_000)}`,
  ]
  for (const form of forms) {
    await t.rejects(
      read(Buffer.from(form, 'latin1')),
      { message: /were refused/ },
      form.slice(0, 60),
    )
  }
  const large = Buffer.concat([Buffer.from(header), pack, Buffer.alloc(2_000)])
  await t.rejects(read(large), { message: /holds more than 1000 bytes/ })
})
