import type { secretSettings } from './secret-settings.ts'

type Kind = 'API key' | 'OAuth token' | 'admin key' | 'refresh token'

const kinds: readonly [RegExp, Kind][] = [
  [/^sk-ant-api\d*-/, 'API key'],
  [/^sk-ant-oat\d*-/, 'OAuth token'],
  [/^sk-ant-admin\d*-/, 'admin key'],
  [/^sk-ant-ort\d*-/, 'refresh token'],
]

/** Returns the kind of one of Anthropic's credentials by its prefix; null for any other form. */
export function credentialKind(value: string): Kind | null {
  return kinds.find(([prefix]) => prefix.test(value))?.[1] ?? null
}

type SecretName = (typeof secretSettings)[number]

/** The kind that a setting takes. A value of unknown kind passes: other gateways have keys of their own. */
export const wantedKind: Partial<Record<SecretName, Kind>> = {
  ANTHROPIC_API_KEY: 'API key',
  CLAUDE_CODE_OAUTH_TOKEN: 'OAuth token',
}

/** Bounds in characters. The gateway refuses to serve with any other, which no caller would understand. */
const shortest = 16
const longest = 4096

/**
 * Returns what is wrong with a credential at first sight, without a part of its value; null when the
 * gateway can try it. A swapped or cut value would otherwise fail minutes later, at the first request.
 */
export function wrongForm(
  name: SecretName,
  value: string,
): { message: string; hint: string } | null {
  const wanted = wantedKind[name]
  if (!wanted) return null
  const kind = credentialKind(value)
  if (kind !== null && kind !== wanted) {
    const right = Object.entries(wantedKind).find(([, other]) => other === kind)?.[0]
    return {
      message: `its value is an ${kind}, not an ${wanted}`.replace('an refresh', 'a refresh'),
      hint: right ? `move it to ${right}` : `set ${name} to an ${wanted}`,
    }
  }
  if (value.length < shortest || value.length > longest) {
    const bound = value.length < shortest ? `at least ${shortest}` : `at most ${longest}`
    return {
      message: `its value has ${value.length} characters, and a credential has ${bound}`,
      hint: `copy the whole ${wanted} into ${name}`,
    }
  }
  return null
}
