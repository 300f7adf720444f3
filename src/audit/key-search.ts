/** Matches real keys and tokens of Anthropic; the agent's placeholders contain `placeholder`. */
const keys = /sk-ant-[a-z]{2,8}\d{2}-[A-Za-z0-9_-]{16,}/g

/** As `keys`, for rg and grep -E. */
export const keyPattern = 'sk-ant-[a-z]{2,8}[0-9]{2}-[A-Za-z0-9_-]{16,}'

/** Returns the keys in a text that are not placeholders. Never show them. */
export function realKeys(text: string): string[] {
  return (text.match(keys) ?? []).filter(key => !key.includes('placeholder'))
}

/** Returns whether a text contains the secret, in plain text or in base64. */
export function holdsSecret(text: string, secret: string): boolean {
  return [secret, ...middleLine(secret)].flatMap(forms).some(form => text.includes(form))
}

/**
 * Returns a line from the middle of a PEM key: line breaks are written in several ways, and the first
 * line is the same in every key.
 */
function middleLine(secret: string): string[] {
  const lines = secret.split('\n').filter(line => line !== '' && !line.startsWith('-----'))
  return lines.slice(Math.floor(lines.length / 2)).slice(0, lines.length > 2 ? 1 : 0)
}

/**
 * Returns base64 forms of the secret. They depend on the offset of the secret in its text: for each of
 * the three offsets, this is the middle part, which does not depend on the surrounding text.
 */
function forms(secret: string): string[] {
  const encoded = [0, 1, 2].flatMap(offset => {
    const whole = Buffer.concat([Buffer.alloc(offset), Buffer.from(secret)])
    return [whole.toString('base64'), whole.toString('base64url')].map(text =>
      text.replace(/=+$/, '').slice(Math.ceil((offset * 8) / 6), -2),
    )
  })
  return [secret, ...encoded]
}
