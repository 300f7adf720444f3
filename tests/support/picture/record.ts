/**
 * Records a command under a pseudo-terminal and draws what it wrote, with its timing, as an animated SVG:
 *
 *     bin/tsrun tests/support/picture/record.ts docs/pictures/demo ./claude.ts demo --yes
 *
 * writes docs/pictures/demo.cast and demo.svg. Without a command it draws the .cast that is there again.
 */
import { execFile } from 'node:child_process'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { parseRecording, parseScript, type Recording, renderRecording } from './recording.ts'
import { renderSvg } from './svg.ts'

const columns = 100
const run = promisify(execFile)

const [name, ...command] = process.argv.slice(2)
if (name === undefined) throw new Error('usage: record.ts NAME [COMMAND…]')
if (command.length > 0) await writeFile(`${name}.cast`, renderRecording(await record(command)))
await writeFile(`${name}.svg`, renderSvg(parseRecording(await readFile(`${name}.cast`, 'utf8'))))

async function record(words: string[]): Promise<Recording> {
  const folder = await mkdtemp(join(tmpdir(), 'recording-'))
  const [output, timing] = [join(folder, 'output'), join(folder, 'timing')]
  const environment = { ...process.env, COLUMNS: undefined, LINES: undefined, NO_COLOR: undefined }
  try {
    await run(
      'script',
      [
        '-q',
        '-e',
        '-O',
        output,
        '-T',
        timing,
        '-c',
        `stty cols ${columns} rows 50; ${words.join(' ')}`,
      ],
      { env: { ...environment, TERM: 'xterm-256color' }, timeout: 600_000 },
    )
    return {
      columns,
      command: words.join(' '),
      output: parseScript(await readFile(output), await readFile(timing, 'utf8')),
    }
  } finally {
    await rm(folder, { recursive: true })
  }
}
