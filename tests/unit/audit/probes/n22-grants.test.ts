import t from 'tap'
import { judgeInForce } from '../../../../src/audit/probes/n22-grants.ts'
import { parseGrants } from '../../../../src/egress/grants.ts'

const judge = (text: string) => judgeInForce('claim', parseGrants(text, 'x'))

t.test('plain names are held, what a grant opens is shown', async t => {
  t.match(judge(''), { verdict: 'held' })
  t.match(judge('allow a.test\n'), { verdict: 'held' })
  t.match(judge('allow a.test port 22 no-tls private 10.0.0.0/8\n'), {
    verdict: 'weak',
    evidence: 'granted: a.test:22, no TLS, private 10.0.0.0/8',
  })
  t.match(judge('allow .a.test\n'), { verdict: 'weak', evidence: /\.a\.test/ })
})

t.test('what strangers share and the host of the model are open', async t => {
  t.match(judge('allow a.test\nallow .github.io\n'), { verdict: 'open' })
  t.match(judge('allow api.anthropic.com\n'), { verdict: 'open', evidence: /another API key/ })
})
