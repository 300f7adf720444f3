import t from 'tap'
import { keeperUser, parseKeeper } from '../../../src/stack/keeper.ts'

t.test("the keeper is neither root nor the agent, and not in the agent's group", async t => {
  t.equal(keeperUser({ uid: 1000, gid: 1000 }), '65532:65532')
  t.equal(keeperUser({ uid: 65_532, gid: 1000 }), '65533:65533')
  t.equal(keeperUser({ uid: 1000, gid: 65_532 }), '65533:65533')
  t.equal(keeperUser({ uid: 65_533, gid: 65_532 }), '65531:65531')
})

t.test('a label that names root, or no user, names no keeper', async t => {
  t.equal(parseKeeper('65532:65532'), '65532:65532')
  for (const label of [undefined, '', '0:0', '65532:0', '0:65532', 'root', '65532', '1:1;x']) {
    t.equal(parseKeeper(label), null, String(label))
  }
})
