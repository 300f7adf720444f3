import t from 'tap'
import { parsePolicyEvent, refusedPolicy } from '../../../src/egress/policy-event.ts'

const loaded = '{"ts":1,"event":"policy-loaded","text":"squid.conf"}'
const refused = '{"ts":2,"event":"policy-refused","text":"line 3: unrecognized"}'
const decision = '{"ts":3,"caller":"agent","event":"CONNECT","text":"x"}'

t.test('the last word of the proxy on its policy counts', async t => {
  t.equal(refusedPolicy([loaded, decision, refused, decision]), 'line 3: unrecognized')
  t.equal(refusedPolicy([refused, decision, loaded]), null)
})

t.test('the digest tells which file is meant; the end of a name is no word on a file', async t => {
  t.match(parsePolicyEvent('{"ts":1,"event":"policy-loaded","text":"x","digest":"ab"}'), {
    event: 'policy-loaded',
    digest: 'ab',
  })
  const expired = '{"ts":4,"event":"policy-expired","text":"over","digest":"ab"}'
  t.equal(parsePolicyEvent(expired), undefined)
  t.equal(refusedPolicy([refused, expired]), 'line 3: unrecognized')
})

t.test('without a word, or with lines that are none of it, nothing is refused', async t => {
  t.equal(refusedPolicy([]), null)
  t.equal(refusedPolicy([decision, '{', 'policy-refused', '{"event":"policy-refused"}']), null)
})
