import t from 'tap'
import { describeCopied, renderCopied } from '../../../../src/workspace/copy/copied.ts'

const lists = { leftOut: [], passedOver: [], sparse: [] }
const nothing = { tree: new Map(), bytes: 0, ...lists, gitUnsettled: false }
const texts = (told: Partial<Parameters<typeof describeCopied>[0]>) =>
  describeCopied({ ...nothing, ...told }).map(message =>
    'text' in message ? `${message.kind}: ${message.text}` : '',
  )

t.test('a copy is described by its files and its size', async t => {
  t.equal(renderCopied(1, 0), '1 file, 0 B')
  t.equal(renderCopied(999, 999), '999 files, 999 B')
  t.equal(renderCopied(200_000, 583_000_000), '200,000 files, 583.0 MB')
  t.equal(renderCopied(1_234_567, 5.2e15), '1,234,567 files, 5200.0 TB')
  t.same(texts({}), ['info: copied 0 files, 0 B'])
})

t.test('what is not in the copy is named, and how to try again', async t => {
  const many = Array.from({ length: 8 }, (_, at) => `f${at}`)
  const [, leftOut, passedOver, git] = texts({
    leftOut: ['dist/'],
    passedOver: ['\x1b[2Ja', ...many],
    gitUnsettled: true,
  })
  t.match(
    texts({ sparse: ['disk.img'] })[1],
    /^warn: not copied, because they are sparse.*disk\.img/,
  )
  t.equal(leftOut, 'info: left out of the copy: dist/')
  t.match(passedOver, /^warn: not copied, because they disappeared or changed .* and 4 more; run/)
  t.match(passedOver, '--fresh-copy')
  t.notMatch(passedOver, /\x1b/)
  t.match(texts({ passedOver: ['caf\udce9'] })[1], 'caf\\xE9', 'a byte that is not UTF-8 is shown')
  t.match(git, /^warn: git changed \.git all the time .*--fresh-copy/)
})
