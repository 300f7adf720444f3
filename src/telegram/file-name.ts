/** Maximum bytes of a name on Linux are 255; the rest is for a number in front of the extension. */
const mostBytes = 200

/**
 * Returns a name that is one entry of a folder, and safe in a header, a message and a terminal: no separator,
 * no control, format or bidirectional character, no leading dot or dash. Sent names are hostile: `../x`,
 * `a\r\nB: c`, or one that reads backwards.
 */
export function fileName(sent: string, fallback = 'file'): string {
  const safe = sent
    .slice(0, 4096)
    .normalize('NFC')
    .replace(/[\p{C}\p{Zl}\p{Zp}/\\:"*?<>|\ufffd]+/gu, '_')
    .trim()
    .replace(/^[.\-_\s]+/, '')
  return shortened(safe) || fallback
}

/** Shortens a name to its bytes, and keeps its extension. */
function shortened(name: string): string {
  if (Buffer.byteLength(name) <= mostBytes) return name
  const extension = /\.[A-Za-z0-9]{1,16}$/.exec(name)?.[0] ?? ''
  const stem = [...name.slice(0, name.length - extension.length)]
  let kept = ''
  for (const character of stem) {
    if (Buffer.byteLength(kept + character + extension) > mostBytes) break
    kept += character
  }
  return kept + extension
}
