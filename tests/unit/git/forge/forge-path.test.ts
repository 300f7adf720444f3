import t from 'tap'
import { forgePath } from '../../../../src/git/forge/forge-path.ts'

t.test('a value stays one segment of the path', async t => {
  const value = 'a/../b?c=d#e\r\nHost: evil\x1b[2J"<'
  const path = forgePath`/repos/${value}/pulls/${3}`
  t.equal(new URL(`https://api.test${path}`).pathname, path)
  t.match(path, /^\/repos\/[\w%.!~*'()-]+\/pulls\/3$/)
  t.equal(decodeURIComponent(path.split('/')[2] ?? ''), value)
})

t.test('a segment that leads up or is empty is refused', async t => {
  for (const value of ['.', '..', '']) t.throws(() => forgePath`/repos/${value}/x`)
})
