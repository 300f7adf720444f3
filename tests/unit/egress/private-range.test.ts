import t from 'tap'
import {
  isGrantableAddress,
  isInRange,
  isPrivateAddress,
  parseRange,
  parseUpstreamRanges,
} from '../../../src/egress/private-range.ts'

t.test('addresses are private as the proxy judges them', async t => {
  for (const address of [
    '10.0.0.1',
    '127.0.0.1',
    '169.254.169.254',
    '100.64.0.1',
    '::1',
    'fd00::1',
  ]) {
    t.ok(isPrivateAddress(address), address)
  }
  for (const address of ['203.0.113.9', '8.8.8.8', '2606:4700::1111']) {
    t.notOk(isPrivateAddress(address), address)
  }
})

t.test('loopback, link-local and metadata addresses cannot be granted', async t => {
  for (const address of ['127.0.0.1', '169.254.169.254', '100.100.100.200', '8.8.8.8', 'fd00::1']) {
    t.notOk(isGrantableAddress(address), address)
  }
  for (const address of ['10.0.0.1', '172.31.255.255', '192.168.1.1', '100.64.0.1']) {
    t.ok(isGrantableAddress(address), address)
  }
})

t.test('a range has one form, and a near miss is corrected', async t => {
  t.equal(parseRange(' 10.2.0.0/16 '), '10.2.0.0/16')
  t.equal(parseRange('10.2.3.4'), '10.2.3.4/32')
  t.throws(() => parseRange('10.2.3.4/16'), { message: /not the beginning of a network/ })
  for (const text of ['10', '0.0.0.0/0', '8.8.8.0/24', '10.0.0.0/8 all', 'fd00::/8', '']) {
    t.throws(() => parseRange(text), { message: /is not a private IPv4 network/ }, text)
  }
  t.ok(isInRange('10.2.0.0/16', '10.2.255.255'))
  t.notOk(isInRange('10.2.0.0/16', '10.3.0.0'))
})

t.test('UPSTREAM_PRIVATE is a list of networks that a grant could open', async t => {
  t.same(parseUpstreamRanges(undefined), [])
  t.same(parseUpstreamRanges('10.2.0.0/16, 192.168.7.9'), ['10.2.0.0/16', '192.168.7.9/32'])
  t.throws(() => parseUpstreamRanges('10.2.0.1/16'), {
    message: 'UPSTREAM_PRIVATE 10.2.0.1/16 is not the beginning of a network',
    hint: 'use 10.2.0.0/16',
  })
  t.throws(() => parseUpstreamRanges('169.254.169.254'), {
    message: /^UPSTREAM_PRIVATE 169\.254\.169\.254 is not a private IPv4 network/,
  })
})
