import t from 'tap'
import {
  grantWarnings,
  otherTerms,
  resolutionWarning,
  resolveOnHost,
} from '../../../../src/operations/policy/resolve-name.ts'

const grant = { name: 'a.test', port: 443, tls: true }
const range = { ...grant, range: '10.2.0.0/16' }

t.test('a name that the proxy can use needs no warning', async t => {
  t.equal(resolutionWarning(grant, ['203.0.113.9', 'fd00::1']), null)
  t.equal(resolutionWarning(range, ['10.2.3.4']), null)
})

t.test('a private or unknown name is reported, with the command that opens it', async t => {
  t.match(
    resolutionWarning(grant, ['203.0.113.9', '10.2.3.4']),
    /a\.test resolves to 10\.2\.3\.4 on this host, a private address.*allow a\.test --private 10\.2\.3\.4\/32. to open/,
  )
  t.match(
    resolutionWarning({ ...grant, port: 5432, tls: false }, ['10.2.3.4']),
    /--private 10\.2\.3\.4\/32 --port 5432 --no-tls/,
  )
  t.match(
    resolutionWarning(grant, ['127.0.0.1']),
    /an address that the proxy refuses for every name/,
  )
  t.match(
    resolutionWarning(range, ['10.2.0.1', '10.3.0.1']),
    /10\.3\.0\.1 .*outside of 10\.2\.0\.0\/16/,
  )
  t.match(resolutionWarning(grant, []), /a\.test does not resolve on this host/)
  t.match(resolutionWarning(grant, ['2606:4700::1111']), /has no IPv4 address/)
  t.match(resolutionWarning(grant, null), /was not resolved on this host within 3 s/)
})

t.test('a grant says what it gives away', async t => {
  t.strictSame(grantWarnings(grant), [])
  t.match(grantWarnings(range), [/can reach a\.test in 10\.2\.0\.0\/16/])
  t.match(grantWarnings({ ...grant, port: 22, tls: false }), [/without TLS the proxy cannot check/])
})

t.test('an entry of the other list with other terms is reported, with the command', async t => {
  const port = { ...grant, port: 5432 }
  const open = { ...port, tls: false }
  t.match(otherTerms([port], [open], 'this folder'), [
    /^the list for this folder has a\.test:5432, no TLS: both apply here, and .*deny --here a\.test --port 5432. removes/,
  ])
  t.match(otherTerms([open], [port], 'every folder'), [
    /^the list for every folder has a\.test:5432, with TLS: both .*deny a\.test --port 5432. removes/,
  ])
  t.match(otherTerms([grant], [range], 'every folder'), [/a\.test, private 10\.2\.0\.0\/16: both/])
  const over = { ...open, until: '2026-11-21T12:00:00Z' }
  t.strictSame(otherTerms([port], [port, { ...open, port: 22 }, over], 'this folder'), [])
  t.strictSame(otherTerms([range], [grant, { ...range, name: 'b.test' }], 'this folder'), [])
})

t.test('the system’s resolver answers', async t => {
  const { signal } = new AbortController()
  t.ok((await resolveOnHost('localhost', signal))?.some(address => /^(127\.|::1$)/.test(address)))
  t.strictSame(await resolveOnHost('no-such-name.claude-secure.invalid', signal), [])
})
