/** What real keys and tokens of Anthropic look like; ours for the agent say `placeholder`. */
const keys = /sk-ant-[a-z]{2,8}\d{2}-[A-Za-z0-9_-]{16,}/g

/** As `keys`, for rg and grep -E. */
export const keyPattern = 'sk-ant-[a-z]{2,8}[0-9]{2}-[A-Za-z0-9_-]{16,}'

/** Keys in a text that are no placeholders. Never to be shown. */
export function realKeys(text: string): string[] {
  return (text.match(keys) ?? []).filter(key => !key.includes('placeholder'))
}

/** Whether a text holds the secret, as it is or in base64. */
export function holdsSecret(text: string, secret: string): boolean {
  return forms(secret).some(form => text.includes(form))
}

/**
 * Base64 depends on where in its text the secret begins: of each of the three ways the middle part,
 * which does not depend on what is around it.
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
