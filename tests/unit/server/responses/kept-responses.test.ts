import t from 'tap'
import { createKeptResponses } from '../../../../src/server/responses/kept-responses.ts'
import { renderResponse, responseHead } from '../../../../src/server/responses/response.ts'
import { parseResponsesBody } from '../../../../src/server/responses/responses-body.ts'
import type { Caller } from '../../../../src/tenants/tokens.ts'

const caller = (name: string): Caller => ({
  tenant: { name: 'main', budget: {} },
  token: {
    ...{ name, tenant: 'main', sha256: 'a'.repeat(64), createdAt: '2026-11-29T00:00:00Z' },
    ...{ budget: {}, modes: ['openai'], strictStatus: false },
  },
})
const [one, other] = [caller('one'), caller('other')]

function start() {
  let hour = 0
  const now = () => new Date(hour * 3_600_000)
  const kept = createKeptResponses({ now, hours: 6 })
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
