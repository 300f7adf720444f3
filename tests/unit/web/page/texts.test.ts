import t from 'tap'
import { chooseLanguage, fillText, languages } from '../../../../src/web/page/texts.ts'

t.test('the language is the chosen one, else the first that the page has', async t => {
  t.equal(chooseLanguage('zh-CN', ['en']), 'zh-CN')
  t.equal(chooseLanguage(null, ['de-DE', 'zh-TW', 'en']), 'zh-CN')
  t.equal(chooseLanguage('xx', ['de', 'en-GB', 'zh']), 'en')
  t.equal(chooseLanguage(null, []), 'en')
})

t.test('each language has each text, with the same places for values', async t => {
  const places = (text: string) => [...text.matchAll(/\{\d\}/g)].map(([place]) => place).sort()
  for (const texts of Object.values(languages)) {
    t.same(Object.keys(texts).sort(), Object.keys(languages.en).sort())
    for (const [name, text] of Object.entries(texts)) {
      t.same(places(text), places(languages.en[name as keyof typeof languages.en]), name)
      t.not(text.trim(), '')
    }
  }
})

t.test('a value is put in as it is', async t => {
  t.equal(fillText('{0} waits, {1}', '{1} $& ', 2), '{1} $&  waits, 2')
})
