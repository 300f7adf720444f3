import t from 'tap'
import { createC1Remover } from '../../../src/engine/without-c1.ts'

const pass = (...chunks: Buffer[]) => {
  const remove = createC1Remover()
  return Buffer.concat(chunks.map(remove)).toString()
}

t.test('control characters of 8 bits are removed, and nothing else', async t => {
  const all = Array.from({ length: 0x2000 }, (_, code) => String.fromCharCode(code)).join('')
  const text = `${all}€ 漢字 👩‍💻 \x1b[31mred`
  t.equal(pass(Buffer.from(text)), text.replace(/[\u0080-\u009f]/g, ''))
})

t.test('however the bytes are cut', async t => {
  const text = 'x\u009d52;c;AAAA\u009c é Â\u0080Â©'
  const bytes = Buffer.from(text)
  const clean = text.replace(/[\u0080-\u009f]/g, '')
  for (let cut = 0; cut <= bytes.length; cut++) {
    t.equal(pass(bytes.subarray(0, cut), bytes.subarray(cut)), clean, `cut at ${cut}`)
  }
  t.equal(pass(...[...bytes].map(byte => Buffer.of(byte))), clean, 'byte by byte')
})
