import { randomBytes } from 'node:crypto'
import t from 'tap'
import { claimedMeter, signPlaceholder, signRunName } from '../../../src/base/run-placeholder.ts'

const meter = '0123456789abcdef'
const random = () => randomBytes(32).toString('base64url')
const newSigner = () => ({ placeholder: `sk-ant-api03-placeholder-${random()}AA`, key: random() })

t.test('a signed placeholder names its process and hides what it is made of', async t => {
  for (let i = 0; i < 100; i++) {
    const signer = newSigner()
    const signed = signPlaceholder(signer, meter)
    t.match(signed, /^sk-ant-api03-placeholder-meter-0123456789abcdef-[\w-]{64}$/)
    t.equal(claimedMeter(signed), meter)
    for (const secret of [signer.key, signer.placeholder.slice(25, -2)]) {
      t.notOk(signed.includes(secret.slice(0, 12)))
    }
    t.equal(claimedMeter(signer.placeholder), null, "the caller's own names none")
  }
})

t.test('it depends on the key, the placeholder and the process', async t => {
  const signer = newSigner()
  const all = [
    signPlaceholder(signer, meter),
    signPlaceholder(signer, 'aaaaaaaaaaaaaaaa'),
    signPlaceholder({ ...signer, key: random() }, meter),
    signPlaceholder({ ...signer, placeholder: newSigner().placeholder }, meter),
  ]
  const proofs = all.map(text => text.slice(-64, -21))
  t.equal(new Set(proofs).size, 4)
  t.equal(new Set(all.slice(0, 3).map(text => text.slice(-20))).size, 1, 'one end for each process')
})

t.test('a placeholder of no kind of Anthropic can be signed too', async t => {
  const signed = signPlaceholder({ placeholder: 'any-other-placeholder', key: random() }, meter)
  t.equal(claimedMeter(signed), meter)
})

t.test('only the exact form claims a process', async t => {
  const signed = signPlaceholder(newSigner(), meter)
  for (const text of [
    '',
    `${signed}x`,
    ` ${signed}`,
    `${signed}\n`,
    signed.slice(0, -1),
    signed.replace(meter, meter.toUpperCase()),
    signed.replace('sk-ant', 'SK-ant'),
  ]) {
    t.equal(claimedMeter(text), null, JSON.stringify(text))
  }
})

t.test('the signature of a run is none of a placeholder', async t => {
  const signer = newSigner()
  const of = (name: object = {}) =>
    signRunName(signer, { meter, run: 'aaaaaaaaaaaaaaaa', at: 1, ...name })
  const all = [of(), of({ at: 2 }), of({ run: meter }), of({ meter: 'bbbbbbbbbbbbbbbb' })]
  t.equal(new Set(all).size, 4)
  t.notOk(signPlaceholder(signer, meter).includes(of()))
})
