import t from 'tap'
import { fileName } from '../../../src/telegram/file-name.ts'

t.test('an ordinary name stays as it is', async t => {
  for (const name of ['report.pdf', 'Übersicht 2026 (1).xlsx', '日本語.txt', 'a.tar.gz'])
    t.equal(fileName(name), name)
})

t.test('a name is one entry of a folder, and not a hidden one', async t => {
  for (const [sent, safe] of [
    ['../../etc/passwd', 'etc_passwd'],
    ['/etc/passwd', 'etc_passwd'],
    ['..', 'file'],
    ['', 'file'],
    ['.bashrc', 'bashrc'],
    ['-rf', 'rf'],
    ['a\\b', 'a_b'],
    ['a\0b', 'a_b'],
    ['a"\r\nX-Header: 1', 'a_X-Header_ 1'],
    ['\u202egpj.exe', 'gpj.exe'],
    ['\u001b[31mred', '[31mred'],
  ] as const)
    t.equal(fileName(sent), safe, JSON.stringify(sent))
})

t.test('a long name keeps its extension and fits into a folder', async t => {
  const name = fileName(`${'ü'.repeat(5_000)}.pdf`)
  t.ok(Buffer.byteLength(name) <= 200)
  t.match(fileName(`${'ü'.repeat(300)}.pdf`), /^ü+\.pdf$/)
  t.equal(fileName('\ud800.txt'), 'txt')
})
