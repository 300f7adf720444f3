import t from 'tap'
import { createKeptResponses } from '../../../../src/server/responses/kept-responses.ts'
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

function start({ tenants = 1 } = {}) {
  let hour = 0
  const now = () => new Date(hour * 3_600_000)
  const kept = createKeptResponses({ now, hours: 6, tenants: () => tenants })
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
  const [first, second] = [keep(one, 'x'.repeat(9_000_000)), keep(one, 'y'.repeat(9_000_000))]
  t.equal(kept.find(one, first), null)
  t.ok(kept.find(one, second))
  t.equal(kept.find(one, keep(one, 'z'.repeat(17_000_000))), null)
  t.ok(kept.find(other, foreign))
})

t.test('many tokens of one tenant drive out their own, and nothing of another tenant', async t => {
  const { kept, keep } = start({ tenants: 2 })
  const neighbour = caller('neighbour', 'other')
  const before = keep(neighbour, 'x'.repeat(9_000_000))
  const tokens = Array.from({ length: 20 }, (_, at) => caller(`token-${at}`))
  const ids = tokens.map(token => keep(token, 'y'.repeat(9_000_000)))
  const left = tokens.filter((token, at) => kept.find(token, ids[at] ?? ''))
  t.ok(left.length <= 7, `${left.length} of 9 MB are in 64 MiB`)
  t.ok(left.includes(tokens[19] as Caller), 'the newest has room')
  t.ok(kept.find(neighbour, before))
  t.ok(kept.find(neighbour, keep(neighbour, 'x'.repeat(6_000_000))), 'its part is free')
})
