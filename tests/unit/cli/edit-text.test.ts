import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { editText, withoutEditorSettings } from '../../../src/cli/edit-text.ts'

t.test('no line of the agent is a setting of the editor', async t => {
  const lines =
    'vim: set x:\n/* vi:x */\nex: y\nvim>700: z\n# -*- eval: (x) -*-\nLocal Variables:\n'
  const text = withoutEditorSettings(lines)
  t.notMatch(text, /(vi|vim|ex)[<=>]?\d*:|-\*-|Variables:/i)
  t.equal(withoutEditorSettings('fix: index: avi: complex: text'), 'fix: index: avi: complex: text')
})

t.test('a person edits the text in their program, without its comments', async t => {
  const folder = t.testdir()
  const editor = join(folder, 'editor.sh')
  writeFileSync(
    editor,
    `cp "$1" '${folder}/seen'; printf '# help\\nnew title\\n\\nbody\\n' > "$1"\n`,
  )
  process.env.VISUAL = `/bin/sh ${editor}`
  t.equal(await editText('old title\n\nvim: x\n', folder), 'new title\n\nbody\n')
  t.equal(readFileSync(join(folder, 'seen'), 'utf8'), 'old title\n\nvim : x\n')
  process.env.VISUAL = '/bin/false'
  await t.rejects(editText('x', folder), { message: 'the editor /bin/false ended with status 1' })
  process.env.VISUAL = ''
  process.env.EDITOR = ''
  t.equal(await editText('x', folder), null)
})
