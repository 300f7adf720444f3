import t from 'tap'
import { mostMarkdown, renderEntities } from '../../../src/telegram/entities.ts'

/** Returns each entity with the text that it styles. */
function styled(markdown: string) {
  const { text, entities } = renderEntities(markdown)
  return entities.map(({ type, offset, length, ...more }) => ({
    type,
    of: text.slice(offset, offset + length),
    ...more,
  }))
}

t.test('styles become entities, and their marks leave the text', async t => {
  const answer = renderEntities('**bold** _it_ ~~gone~~ `code` [site](https://a.test/x)')
  t.equal(answer.text, 'bold it gone code site')
  t.same(styled('**bold** _it_ ~~gone~~ `code` [site](https://a.test/x)'), [
    { type: 'bold', of: 'bold' },
    { type: 'italic', of: 'it' },
    { type: 'strikethrough', of: 'gone' },
    { type: 'code', of: 'code' },
    { type: 'text_link', of: 'site', url: 'https://a.test/x' },
  ])
})

t.test('offsets count UTF-16 units, as Telegram does', async t => {
  const { text, entities } = renderEntities('👩‍👩‍👧 **b👍**')
  t.same(entities, [{ type: 'bold', offset: 9, length: 3 }])
  t.equal(text.slice(9, 12), 'b👍')
})

t.test('a code block keeps its content and its language', async t => {
  t.same(styled('Look:\n\n```ts title="x"\nconst a = **1** &lt;\n  b\n```\n\nend'), [
    { type: 'pre', of: 'const a = **1** &lt;\n  b', language: 'ts' },
  ])
  t.same(styled('```\nunclosed **x**'), [{ type: 'pre', of: 'unclosed **x**' }])
})

t.test('code is cut out of the styles around it', async t => {
  t.same(styled('**a `b` c**'), [
    { type: 'bold', of: 'a ' },
    { type: 'bold', of: ' c' },
    { type: 'code', of: 'b' },
  ])
})

t.test('headings, lists and quotes can be read without Markdown', async t => {
  const { text } = renderEntities(
    '# Title\n\n- one\n- two\n  - deep\n\n3. x\n4. y\n\n- [x] done\n- [ ] open',
  )
  t.equal(text, 'Title\n\n• one\n• two\n  • deep\n\n3. x\n4. y\n\n☑ done\n☐ open')
  t.same(styled('> a\n> > b'), [{ type: 'blockquote', of: 'a\n\nb' }])
})

t.test('a table becomes aligned monospaced lines', async t => {
  t.same(styled('| name | n |\n|---|--|\n| **a** | 1 |\n| 日本 | 22 |'), [
    { type: 'pre', of: 'name | n\n-----|---\na    | 1\n日本 | 22' },
  ])
})

t.test('a link that Telegram cannot open shows where it leads', async t => {
  t.equal(renderEntities('[code](src/a.ts)').text, 'code (src/a.ts)')
  t.same(styled('[click](javascript:alert(1))'), [])
  t.equal(renderEntities('![chart](out.png)').text, 'chart (out.png)')
  t.same(styled('https://a.test/b'), [])
})

t.test('HTML stays text, and references are decoded once', async t => {
  t.equal(
    renderEntities('a <b onclick="x">b</b> &amp;lt; &lt;').text,
    'a <b onclick="x">b</b> &lt; <',
  )
})

t.test('hostile and unclosed Markdown stays text', async t => {
  for (const text of ['**open', '[a](', '`open', '~~x', '_', '![['])
    t.equal(renderEntities(text).text, text)
  const quotes = '>'.repeat(mostMarkdown)
  t.same(renderEntities(quotes), { text: quotes, entities: [] })
  const long = '**a** '.repeat(mostMarkdown)
  t.same(renderEntities(long), { text: long.trim(), entities: [] })
})

t.test('every entity is within the text, not empty, and has no white space around it', async t => {
  for (const markdown of [
    '** a **',
    '- \n- **b** \n',
    '# ',
    '```\n```',
    '> \n',
    '**\n\n**',
    '| a |\n|--|',
  ]) {
    const { text, entities } = renderEntities(markdown)
    for (const { offset, length } of entities) {
      const of = text.slice(offset, offset + length)
      t.equal(of.length, length, markdown)
      t.equal(of.trim(), of, markdown)
      t.not(of, '', markdown)
    }
  }
  t.pass('all were read')
})
