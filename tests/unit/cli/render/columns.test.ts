import t from 'tap'
import { renderColumns } from '../../../../src/cli/render/columns.ts'

t.test('columns are aligned, also with coloured cells', async t => {
  const paint = (text: string) => `<${text}>`
  const rows = [
    [{ text: 'a' }, { text: 'up', paint }, { text: 'x' }],
    [{ text: 'longer' }, { text: 'stopped', paint }, { text: '' }],
  ]
  t.equal(
    renderColumns(['ID', 'STATE', 'LAST'], rows, text => text),
    'ID      STATE    LAST\na       <up>       x\nlonger  <stopped>  ',
  )
})
