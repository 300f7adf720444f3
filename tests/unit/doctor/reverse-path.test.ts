import t from 'tap'
import { judgeReversePath, readReversePaths } from '../../../src/doctor/reverse-path.ts'
import { networkSummary } from '../../support/docker/network-summary.ts'

t.test(
  'an internal network without the filter is warned of, with the command that closes it',
  t => {
    const networks = [
      { name: 'a_claude-internal', filter: true },
      { name: 'b_claude-internal', filter: false },
    ]
    const [check] = judgeReversePath({ ofNew: true, networks })
    t.match(check, { severity: 'warning', message: /b_claude-internal/, hint: /start --detach/ })
    t.notMatch(check?.message, 'a_claude')
    t.end()
  },
)

t.test('a host whose new networks lack the filter is warned of the next reboot', t => {
  const networks = [{ name: 'a_claude-internal', filter: true }]
  t.match(judgeReversePath({ ofNew: false, networks }), [
    { severity: 'warning', message: /after a reboot/, hint: /default\.rp_filter=2/ },
  ])
  t.match(judgeReversePath({ ofNew: true, networks }), [{ severity: 'ok' }])
  t.end()
})

t.test('bridges of another machine are not called held', t => {
  const networks = [{ name: 'a_claude-internal', filter: null }]
  t.match(judgeReversePath({ ofNew: true, networks }), [
    { severity: 'note', message: /not checked/, hint: /audit --probe N19/ },
  ])
  t.end()
})

t.test('only the internal networks of stacks are judged', async t => {
  const stack = 'claude-secure-app-00000001'
  const { networks } = await readReversePaths({
    networks: async () => [
      networkSummary(`${stack}_claude-internal`, stack),
      networkSummary(`${stack}_proxy-external`, stack),
      networkSummary('theirs-internal', 'theirs'),
    ],
  })
  t.same(networks, [{ name: `${stack}_claude-internal`, filter: null }])
})
