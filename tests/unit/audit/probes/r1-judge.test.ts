import t from 'tap'
import { judgeReach } from '../../../../src/audit/probes/r1-judge.ts'

const claim = 'a run cannot slow down what ends it'
const judge = (stdout: string) => judgeReach(claim, ['priority', 'policy'], stdout)

t.test('every attempt must be refused, and every attack tried', async t => {
  const refused = 'refused limits 1\nrefused priority 1\nrefused policy 1\nrefused policy 7\n'
  t.match(judge(refused), { verdict: 'held', evidence: /^3 attempts refused/ })
  t.match(judge(`${refused}reached policy 8\n`), { verdict: 'open', evidence: /policy of 8$/ })
  t.match(judge('refused policy 1\n'), { verdict: 'unknown', evidence: 'not tried: priority' })
  t.match(judge(''), { verdict: 'unknown' })
})

t.test('attempts of another claim, and other lines, are not judged', async t => {
  const refused = 'refused priority 1\nrefused policy 1\n'
  t.match(judge(`${refused}reached limits 1\nreached policy 1 or so\n`), { verdict: 'held' })
})
