import t from 'tap'
import { createKeptResponses, keptLimits } from '../../../../src/server/responses/kept-responses.ts'
import { renderResponse, responseHead } from '../../../../src/server/responses/response.ts'
import { parseResponsesBody } from '../../../../src/server/responses/responses-body.ts'
import type { Caller } from '../../../../src/tenants/tokens.ts'

const caller = (name: string, tenant = 'main'): Caller => ({
  tenant: { name: tenant, budget: {} },
  token: {
    ...{ name, tenant, sha256: 'a'.repeat(64), createdAt: '2026-11-29T00:00:00Z' },
    ...{ budget: {}, modes: ['openai'], strictStatus: false },
  },
})
const [one, other] = [caller('one'), caller('other')]

/** A hundredth of the bytes, which the test makes in a hundredth of the time. */
const limits = {
  ...keptLimits,
  bytes: keptLimits.bytes / 100,
  totalBytes: keptLimits.totalBytes / 100,
}
const megabytes = (number: number, letter: string) => letter.repeat(number * 10_000)

function start({ tenants = 1 } = {}) {
  let hour = 0
  const now = () => new Date(hour * 3_600_000)
  const kept = createKeptResponses({ now, hours: 6, tenants: () => tenants, limits })
  return {
    kept,
    passHours: (hours: number) => {
      hour += hours
    },
    keep(owner: Caller, content = 'hello') {
      const { body } = parseResponsesBody({ input: 'hello' }, { strict: true })
      const response = renderResponse(responseHead('haiku', body, now()), { status: 'in_progress' })
      kept.keep(owner, response, [{ role: 'user', content }])
      return response.id
    },
  }
}

t.test('a response is kept for its time, for its own token', async t => {
  const { kept, keep, passHours } = start()
  const id = keep(one)
  t.match(kept.find(one, id), { messages: [{ role: 'user', content: 'hello' }] })
  t.equal(kept.find(other, id), null)
  t.equal(kept.forget(other, id), false)
  passHours(5)
  t.ok(kept.find(one, id))
  passHours(1)
  t.equal(kept.find(one, id), null)
})

t.test('the responses of a revoked token are gone, also for a new one of its name', async t => {
  const { kept, keep, passHours } = start()
  const [id, foreign] = [keep(one), keep(other)]
  const again = { ...one, token: { ...one.token, sha256: 'b'.repeat(64) } }
  t.equal(kept.find(again, id), null)
  kept.forgetOld(caller => caller === other)
  t.equal(kept.find(one, id), null)
  t.ok(kept.find(other, foreign))
  passHours(6)
  kept.forgetOld(() => true)
  t.equal(kept.find(other, foreign), null)
})

t.test('a token that keeps many loses its oldest, and none of another', async t => {
  const { kept, keep } = start()
  const foreign = keep(other)
  const ids = Array.from({ length: 201 }, () => keep(one))
  t.equal(kept.find(one, ids[0] ?? ''), null)
  t.ok(kept.find(one, ids[1] ?? ''))
  t.ok(kept.find(one, ids[200] ?? ''))
  t.ok(kept.find(other, foreign))
})

t.test('a token that keeps much loses its oldest, and what is too large is not kept', async t => {
  const { kept, keep } = start()
  const foreign = keep(other)
  const [first, second] = [keep(one, megabytes(9, 'x')), keep(one, megabytes(9, 'y'))]
  t.equal(kept.find(one, first), null)
  t.ok(kept.find(one, second))
  t.equal(kept.find(one, keep(one, megabytes(17, 'z'))), null)
  t.ok(kept.find(other, foreign))
})

t.test('many tokens of one tenant drive out their own, and nothing of another tenant', async t => {
  const { kept, keep } = start({ tenants: 2 })
  const neighbour = caller('neighbour', 'other')
  const before = keep(neighbour, megabytes(9, 'x'))
  const tokens = Array.from({ length: 20 }, (_, at) => caller(`token-${at}`))
  const ids = tokens.map(token => keep(token, megabytes(9, 'y')))
  const left = tokens.filter((token, at) => kept.find(token, ids[at] ?? ''))
  t.ok(left.length <= 7, `${left.length} of 9 MB are in 64 MiB`)
  t.ok(left.includes(tokens[19] as Caller), 'the newest has room')
  t.ok(kept.find(neighbour, before))
  t.ok(kept.find(neighbour, keep(neighbour, megabytes(6, 'x'))), 'its part is free')
})
