import t from 'tap'
import { parseMcpServers } from '../../../src/config/mcp-setting.ts'

t.test('ask, none, or names', async t => {
  t.equal(parseMcpServers('ask'), 'ask')
  t.equal(parseMcpServers('none'), 'none')
  t.same(parseMcpServers('github, my_db'), ['github', 'my_db'])
  for (const value of ['a b', 'a,', '../x', '*']) t.equal(parseMcpServers(value), null, value)
})
