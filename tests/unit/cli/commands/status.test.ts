import stringWidth from 'fast-string-width'
import t from 'tap'
import { renderStatus } from '../../../../src/cli/commands/status.ts'
import type { Status } from '../../../../src/operations/status.ts'

const report: Status = {
  version: 1,
  stack: 'claude-secure-app-00000001',
  running: true,
  workspace: '/home/me/app',
  workspaceMode: 'mount',
  copy: null,
  services: [],
  heldBack: [],
  loosened: [],
  credentials: { mode: 'api-key', upstream: null, upstreamPrivate: [], weakness: null },
  forwards: [],
  parent: null,
  waiting: [],
  allowlist: { names: 0, grants: 0, here: 0, login: ['claude.ai'], differs: [], refused: null },
  denied: { count: 0, ofLast: 2_000 },
  blocked: [],
  direct: [],
  versions: { claudeSecure: '1', claudeCode: '2', engine: '3' },
  otherStacks: 0,
}

t.test('a run that waits is shown with the command that answers it', async t => {
  const waiting = [{ runId: '0123456789abcdef', deadline: '2026-11-21T18:00:00Z' }]
  t.match(
    renderStatus({ ...report, waiting }),
    /waiting.*run 0123456789abcdef asks: \.\/claude\.ts answer 0123456789abcdef/,
  )
  t.notMatch(renderStatus(report), /waiting|answer/)
})

t.test(
  'the allowlist is called empty only when the agent reaches nothing but the model',
  async t => {
    const empty = /empty: the agent reaches the model and nothing else/
    const { allowlist } = report
    t.match(renderStatus(report), empty)
    const login = renderStatus({
      ...report,
      credentials: { mode: 'login', upstream: null, upstreamPrivate: [], weakness: null },
    })
    t.notMatch(login, empty)
    t.match(login, /allowlist .*the hosts of a login: claude\.ai/)
    const rule = 'not part of the policy: http_access allow all (line 9)'
    const changed = renderStatus({
      ...report,
      allowlist: { ...allowlist, differs: [rule, 'more'] },
    })
    t.notMatch(changed, empty)
    t.match(changed, /policy .*http_access allow all \(line 9\) and 1 more; try it with .*audit/)
    t.match(
      renderStatus({ ...report, allowlist: { ...allowlist, names: 2, grants: 1, here: 1 } }),
      /2 names \(proxy\/squid\.conf\), 1 grant \(proxy\/grants\.list\), 1 entry for this folder only/,
    )
  },
)

t.test('what a private upstream and a parent proxy weaken is named with its range', async t => {
  const text = renderStatus({
    ...report,
    credentials: {
      ...{ mode: 'bearer', upstream: 'https://llm.corp.example', weakness: null },
      upstreamPrivate: ['10.2.0.0/16', '10.3.0.0/16'],
    },
    parent: { address: 'http://proxy.example:3128', weakness: 'it alone decides', trouble: null },
  })
  t.match(
    text,
    /model +at https:\/\/llm\.corp\.example\n +weaker: UPSTREAM_PRIVATE lets the gateway/,
  )
  t.match(text, /in 10\.2\.0\.0\/16, 10\.3\.0\.0\/16$/m)
  t.match(text, /parent +http:\/\/proxy\.example:3128: .*\n +weaker: it alone decides$/m)
  t.notMatch(renderStatus(report), /weaker|UPSTREAM_PRIVATE/)
})

t.test('a name that was asked without the proxy is shown as blocked', async t => {
  const direct = [{ name: 'repo.example.com', count: 2, open: false }]
  t.match(
    renderStatus({ ...report, direct }),
    /^blocked: repo\.example\.com \(2×\), asked without the proxy: the program does not use HTTPS_PROXY/m,
  )
  t.notMatch(renderStatus(report), /asked without/)
})

t.test('in a terminal of 80 columns every line fits', async t => {
  const text = renderStatus(
    {
      ...report,
      workspace: `/home/me/${'長い'.repeat(40)}`,
      credentials: {
        ...{ mode: 'bedrock', upstream: null, upstreamPrivate: [] },
        weakness: 'x '.repeat(60),
      },
      blocked: [],
    },
    80,
  )
  t.ok(
    text.split('\n').every(line => stringWidth(line) <= 80),
    text,
  )
  t.match(text, /^credential {2}credential for Amazon Bedrock/m)
})
