import t from 'tap'
import { upstreamHasOwnNames } from '../../../src/operations/own-model-names.ts'

t.test("only a company's gateway serves models under other names", async t => {
  t.before(() => delete process.env.ANTHROPIC_BASE_URL)
  const hasOwn = (env: string) => upstreamHasOwnNames(t.testdir({ '.env': env }))
  t.equal(await hasOwn(''), false)
  t.equal(await hasOwn('ANTHROPIC_BASE_URL=https://api.anthropic.com\n'), false)
  t.equal(await hasOwn('ANTHROPIC_BASE_URL=https://llm.example.com\n'), true)
})
