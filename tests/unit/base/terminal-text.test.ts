import t from 'tap'
import {
  lastLine,
  terminalJson,
  terminalLine,
  terminalText,
  visibleText,
} from '../../../src/base/terminal-text.ts'

t.test('escape sequences and control characters never reach a terminal', async t => {
  const hostile = [
    '\x1b[2J',
    '\x1b]0;owned\x07',
    '\x1b]52;c;ZXZpbA==\x1b\\',
    '\x1bPq#0\x1b\\',
    '\x1b(0',
    '\x9b31m',
    '\r',
    '\b',
    '\x07',
    '\u202e',
  ]
  for (const text of hostile) {
    const shown = terminalText(`a${text}b`)
    t.match(shown, /^a.*b$/s, JSON.stringify(text))
    t.notMatch(shown, /[\x00-\x08\x0b-\x1f\x7f-\x9f\u202e]/)
    t.notMatch(shown, /owned|ZXZp/)
  }
})

t.test('a lone escape takes the next character with it, as a terminal would', async t => {
  t.equal(terminalText('a\x1bbc'), 'ac')
  t.equal(terminalText('a\x1b'), 'a')
})

t.test('an escape sequence split by another one does not come together again', async t => {
  t.notMatch(terminalText('\x1b\x1b[31m[31mred'), /\x1b/)
})

t.test('ordinary text, tabs, newlines and other scripts stay as they are', async t => {
  t.equal(terminalText('naïve\t日本語\n✓'), 'naïve\t日本語\n✓')
})

t.test('a line is one line of bounded length', async t => {
  t.equal(terminalLine('one\ntwo\tthree'), 'one two three')
  t.equal(terminalLine('x'.repeat(500), 10).length, 10)
})

t.test('what a terminal would obey can be made visible instead of removed', async t => {
  t.equal(visibleText('\x1b[31mred\x07\x7f'), '^[[31mred^G^?')
  t.equal(visibleText('a\u202eb\x9b'), 'a<U+202E>b<U+009B>')
  t.equal(visibleText('dos\r\nover\rwrite\tok\n'), 'dos\r\nover^Mwrite\tok\n')
  t.notMatch(visibleText('\x1b\x1b[31m[31m'), /\x1b/)
})

t.test('what takes no room is made visible too, and what scripts need stays', async t => {
  t.equal(visibleText('a\u200bb\u3164\ufeff'), 'a<U+200B>b<U+3164><U+FEFF>')
  t.equal(visibleText('a\u{e0041}\u{e0100}'), 'a<U+E0041><U+E0100>')
  t.equal(visibleText('\u00ad\r\nx'), '<U+00AD>\r\nx')
  const kept = '👩\u200d💻❤\ufe0f می\u200cخواهم'
  t.equal(visibleText(kept), kept)
})

t.test('JSON holds nothing that a terminal obeys, and means the same', async t => {
  const value = { name: 'a\x9b31m\x1b[31m\u202eb\x7f', list: ['\n'] }
  const text = terminalJson(value)
  t.notMatch(text, /[\x00-\x08\x0b-\x1f\x7f-\x9f\u202e]/)
  t.strictSame(JSON.parse(text), value)
  t.equal(terminalJson([1]), '[\n  1\n]')
})

t.test('the last line of an output is made safe, and is empty without output', async t => {
  t.equal(lastLine('pulling\nerror: \x1b[31mno\x1b[0m\n\n'), 'error: no')
  t.equal(lastLine('one line'), 'one line')
  t.equal(lastLine('xxxx', 3), 'xx…')
  t.equal(lastLine(' \n'), '')
})
