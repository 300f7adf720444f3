export interface Style {
  bold?: true
  dim?: true
  underline?: true
  /** 0 to 7, and 8 to 15 for the bright ones. */
  colour?: number
}

export interface Span extends Style {
  text: string
}

interface Cell {
  character: string
  style: Style
}

const sequencePattern =
  /^\u001b(?:\[([0-9;?]*)[ -/]*([@-~])|\][^\u0007\u001b]*(?:\u0007|\u001b\\)|[^[\]])/

/**
 * A terminal of fixed width and unlimited height: what a command wrote becomes rows of styled text. It knows
 * the sequences that claude-secure writes (colours, erase, cursor movement) and drops all others.
 */
export function createScreen(columns: number) {
  const rows: Cell[][] = []
  let row = 0
  let column = 0
  let style: Style = {}

  const line = () => {
    while (rows.length <= row) rows.push([])
    return rows[row] ?? []
  }
  const put = (character: string) => {
    if (column >= columns) {
      row += 1
      column = 0
    }
    const cells = line()
    while (cells.length < column) cells.push({ character: ' ', style: {} })
    cells[column] = { character, style }
    column += 1
  }
  const control = (parameters: string, final: string) => {
    const count = Math.max(1, Number.parseInt(parameters, 10) || 1)
    switch (final) {
      case 'm':
        style = restyled(style, parameters)
        return
      case 'K':
        if (parameters === '' || parameters === '0') line().splice(column)
        if (parameters === '2') line().splice(0)
        return
      case 'J':
        line().splice(column)
        rows.splice(row + 1)
        return
      case 'A':
        row = Math.max(0, row - count)
        return
      case 'B':
        row += count
        return
      case 'C':
        column = Math.min(columns - 1, column + count)
        return
      case 'D':
        column = Math.max(0, column - count)
        return
      case 'G':
        column = Math.min(columns, count) - 1
    }
  }

  return {
    write(text: string): void {
      let rest = text
      while (rest !== '') {
        const sequence = sequencePattern.exec(rest)
        if (sequence !== null) {
          if (sequence[2] !== undefined) control(sequence[1] ?? '', sequence[2])
          rest = rest.slice(sequence[0].length)
          continue
        }
        const character = String.fromCodePoint(rest.codePointAt(0) ?? 0)
        rest = rest.slice(character.length)
        if (character === '\r') column = 0
        else if (character === '\n') row += 1
        else if (character === '\b') column = Math.max(0, column - 1)
        else if (character >= ' ' && character !== '\u007f') put(character)
      }
      line()
    },
    /** The rows as they are now, without trailing blanks. */
    rows: (): Span[][] => rows.map(spans),
  }
}

function restyled(style: Style, parameters: string): Style {
  let next = style
  for (const code of (parameters === '' ? '0' : parameters).split(';').map(Number)) {
    if (code === 0) next = {}
    else if (code === 1) next = { ...next, bold: true }
    else if (code === 2) next = { ...next, dim: true }
    else if (code === 4) next = { ...next, underline: true }
    else if (code === 22) next = without(next, 'bold', 'dim')
    else if (code === 24) next = without(next, 'underline')
    else if (code === 39) next = without(next, 'colour')
    else if (code >= 30 && code <= 37) next = { ...next, colour: code - 30 }
    else if (code >= 90 && code <= 97) next = { ...next, colour: code - 82 }
  }
  return next
}

function without(style: Style, ...names: (keyof Style)[]): Style {
  return Object.fromEntries(Object.entries(style).filter(([name]) => !names.some(n => n === name)))
}

function spans(cells: Cell[]): Span[] {
  const end = cells.findLastIndex(cell => cell.character !== ' ') + 1
  const result: Span[] = []
  for (const { character, style } of cells.slice(0, end)) {
    const last = result.at(-1)
    if (last !== undefined && sameStyle(last, style)) last.text += character
    else result.push({ ...style, text: character })
  }
  return result
}

function sameStyle(a: Style, b: Style): boolean {
  return (
    a.bold === b.bold && a.dim === b.dim && a.underline === b.underline && a.colour === b.colour
  )
}
