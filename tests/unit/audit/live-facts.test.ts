import { execFileSync } from 'node:child_process'
import t from 'tap'
import { liveFactsScript, parseLiveFacts } from '../../../src/audit/live-facts.ts'

t.test('the script reports the machine it runs on', async t => {
  const facts = parseLiveFacts(
    execFileSync('sh', ['-c', liveFactsScript], { encoding: 'utf8', stdio: 'pipe' }),
  )
  t.equal(facts?.status.length, 2)
  t.equal(facts?.status[1]?.get('Name')?.[0], 'cat')
  t.ok(facts?.mounts.some(({ target }) => target === '/'))
  t.ok(facts?.limits.has('Max open files'))
})

t.test('a container that runs no program gives no facts', async t => {
  t.equal(parseLiveFacts(''), null)
  t.equal(parseLiveFacts("OCI runtime exec failed: exec: 'sh': not found"), null)
})
