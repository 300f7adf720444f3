import { exec } from '../../process/exec.ts'
import { clientOptions, type Preset, unknownSource } from './preset.ts'

/** Returns the module proxies and the checksum database of the user's go. */
export const goSites: Preset = async options => {
  const env = { ...options.env, GOTOOLCHAIN: 'local' }
  const { code, stdout } = await exec('go', ['env', 'GOPROXY', 'GOSUMDB'], {
    ...clientOptions(options),
    env,
  }).catch(cause => {
    throw unknownSource('go', 'cannot run go, so its proxy is unknown', 'install go', cause)
  })
  const [proxies = '', sums = ''] = stdout.trim().split('\n')
  if (code !== 0) throw unknownSource('go', 'go env failed', 'fix the go installation')
  return parseGoEnvironment(proxies, sums)
}

/** Parses GOPROXY and GOSUMDB: https://go.dev/ref/mod#environment-variables */
export function parseGoEnvironment(proxies: string, sums: string) {
  const words = proxies.split(/[,|]/).map(word => word.trim())
  const urls = words.filter(word => URL.canParse(word))
  if (urls.length === 0) {
    throw unknownSource(
      'go',
      `GOPROXY=${proxies} names no proxy`,
      'set one with go env -w GOPROXY=URL',
    )
  }
  // "name", "name+key" or "name+key url"; "off" disables the check.
  const [database = '', at] = sums.trim().split(/\s+/)
  const name = database.split('+')[0] ?? ''
  const sum = at ?? (name === 'off' || name === '' ? null : `https://${name}`)
  const notes = words.includes('direct')
    ? ['modules that the proxy lacks come from their own host: allow that host by name']
    : []
  return { urls: [...urls, ...(sum ? [sum] : [])], notes }
}
