/** What a command wrote to a terminal, and when: the asciicast format, version 2. */
export interface Recording {
  columns: number
  command: string
  /** Seconds since the start, ascending. */
  output: { at: number; text: string }[]
}

export function parseRecording(cast: string): Recording {
  const [head = '', ...lines] = cast.trimEnd().split('\n')
  const { width, command } = JSON.parse(head) as { width: number; command: string }
  const output = lines.map(line => {
    const [at, , text] = JSON.parse(line) as [number, string, string]
    return { at, text }
  })
  return { columns: width, command, output }
}

export function renderRecording({ columns, command, output }: Recording): string {
  const head = { version: 2, width: columns, height: 24, command }
  const lines = output.map(({ at, text }) => JSON.stringify([at, 'o', text]))
  return `${[JSON.stringify(head), ...lines].join('\n')}\n`
}

/**
 * Reads the two files of util-linux `script`: the output, whose first line is script's own, and for each
 * piece of it the seconds that passed and its length in bytes.
 */
export function parseScript(output: Buffer, timing: string): Recording['output'] {
  const decoder = new TextDecoder()
  let offset = output.indexOf('\n') + 1
  let at = 0
  return timing
    .trimEnd()
    .split('\n')
    .map(line => {
      const [delay, length] = line.split(' ').map(Number)
      if (delay === undefined || length === undefined || Number.isNaN(length)) {
        throw new Error(`not a line of a timing file: ${line}`)
      }
      at += delay
      const text = decoder.decode(output.subarray(offset, offset + length), { stream: true })
      offset += length
      return { at: Math.round(at * 1000) / 1000, text }
    })
}
