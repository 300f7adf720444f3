import t from 'tap'
import { createOpenings } from '../../../../src/runner/pool/openings.ts'

const opening = (text: string) => ({ text, isEarly: true })

t.test('an opening is expected again when it came twice in a row', async t => {
  const { note } = createOpenings()
  t.equal(note('w', opening('a')), null)
  t.equal(note('w', opening('a')), 'a')
  t.equal(note('other', opening('a')), null, 'each workspace has its own')
  t.equal(note('w', opening('b')), null)
  t.equal(note('w', opening('a')), null)
  t.equal(note('w', opening('a')), 'a')
})

t.test('an opening that only a run can answer, or a large one, is not written ahead', async t => {
  const { note } = createOpenings()
  const large = opening('x'.repeat(256 * 1024 + 1))
  for (const given of [{ text: 'a', isEarly: false }, large]) {
    note('w', given)
    t.equal(note('w', given), null)
  }
})

t.test('the workspaces that it remembers are bounded', async t => {
  const { note } = createOpenings()
  for (let index = 0; index <= 64; index++) note(`w${index}`, opening('a'))
  t.equal(note('w0', opening('a')), null, 'the oldest made room')
  t.equal(note('w64', opening('a')), 'a')
})
