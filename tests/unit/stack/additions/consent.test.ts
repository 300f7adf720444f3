import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import t from 'tap'
import { isConsented, rememberConsent } from '../../../../src/stack/additions/consent.ts'

t.test('a yes is for one name and one content', async t => {
  const state = { path: t.testdir({}) }
  t.equal(await isConsented(state, 'config', 'a'), false)
  await rememberConsent(state, 'config', 'a')
  await rememberConsent(state, 'other', 'x')
  t.equal(await isConsented(state, 'config', 'a'), true)
  t.equal(await isConsented(state, 'config', 'a '), false)
  t.equal(await isConsented(state, 'other', 'a'), false)
  await rememberConsent(state, 'config', 'b')
  t.equal(await isConsented(state, 'config', 'a'), false, 'the older content is asked about again')
})

t.test('a damaged file holds no yes', async t => {
  const state = { path: t.testdir({}) }
  for (const text of ['{', '[]', '{"config":"x"}', '{"config":["short"]}']) {
    await writeFile(join(state.path, 'consents.json'), text)
    t.equal(await isConsented(state, 'config', 'a'), false, text)
  }
})
