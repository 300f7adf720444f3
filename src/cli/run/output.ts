import { once } from 'node:events'
import { terminalText } from '../../base/terminal-text.ts'
import { loadSettings } from '../../config/load-settings.ts'
import { checkoutRoot } from '../../config/paths.ts'
import type { JsonKeys } from '../../run/camel-keys.ts'
import { renderJson, renderJsonVerbose, renderStreamJson, renderText } from '../../run/render.ts'
import type { RunEventBody, RunResult } from '../../run/result.ts'
import { folderSettingsPath } from '../../stack/state/owner.ts'
import type { OutputFormat } from './output-format.ts'

/** Returns the spelling of keys: `--keys`, else JSON_KEYS. Reads no settings for text. */
export async function jsonKeysOf(
  given: JsonKeys | undefined,
  format: OutputFormat,
): Promise<JsonKeys> {
  if (given !== undefined) return given
  if (format === 'text') return 'claude'
  return (await loadSettings(checkoutRoot(), undefined, await folderSettingsPath())).JSON_KEYS
}

export type OutputOptions = {
  format: OutputFormat
  /** Includes partial messages in stream-json. */
  partial: boolean
  keys?: JsonKeys
  signal: AbortSignal
  stream?: NodeJS.WriteStream
}

/**
 * Writes a run to stdout. JSON escapes control characters, except those above ASCII. The text of an answer
 * comes from a model: a terminal gets it without escape sequences, a file or a pipe gets it unchanged.
 */
export function createOutput({
  format,
  partial,
  keys = 'claude',
  signal,
  stream = process.stdout,
}: OutputOptions) {
  const line = async (text: string | null) => {
    if (text === null) return
    const shown = stream.isTTY ? terminalText(text) : text
    const whole = shown.endsWith('\n') ? shown : `${shown}\n`
    // When the reader exits, the signal ends the command.
    if (!stream.write(whole)) await once(stream, 'drain', { signal }).catch(() => {})
  }
  return {
    async event(event: RunEventBody) {
      if (format === 'stream-json') await line(renderStreamJson(event, { partial, keys }))
    },
    async result(result: RunResult) {
      switch (format) {
        case 'text':
          return line(renderText(result))
        case 'json':
          return line(renderJson(result, keys))
        case 'json-verbose':
          return line(renderJsonVerbose(result, keys))
        case 'stream-json':
          return
        default:
          return format satisfies never
      }
    },
  }
}
