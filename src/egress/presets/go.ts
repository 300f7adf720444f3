import { exec } from '../../process/exec.ts'
import { asking, nobodyToAsk, type Preset } from './preset.ts'

/** The module proxies and the checksum database that the user's go is configured with. */
export const goSites: Preset = async options => {
  const env = { ...options.env, GOTOOLCHAIN: 'local' }
  const { code, stdout } = await exec('go', ['env', 'GOPROXY', 'GOSUMDB'], {
    ...asking(options),
    env,
  }).catch(cause => {
    throw nobodyToAsk('go', 'there is no go to ask which proxy is used', 'install go', cause)
  })
  const [proxies = '', sums = ''] = stdout.trim().split('\n')
  if (code !== 0) throw nobodyToAsk('go', 'go env failed', 'repair go')
  return parseGoEnvironment(proxies, sums)
}

/** https://go.dev/ref/mod#environment-variables */
export function parseGoEnvironment(proxies: string, sums: string) {
  const words = proxies.split(/[,|]/).map(word => word.trim())
  const urls = words.filter(word => URL.canParse(word))
  if (urls.length === 0) {
    throw nobodyToAsk('go', `GOPROXY=${proxies} names no proxy`, 'set one with go env -w')
  }
  // "name", "name+key" or "name+key url"; "off" asks nobody.
  const [database = '', at] = sums.trim().split(/\s+/)
  const name = database.split('+')[0] ?? ''
  const sum = at ?? (name === 'off' || name === '' ? null : `https://${name}`)
  const notes = words.includes('direct')
    ? ['what is not found there, go fetches from its own host, which is to be listed by name']
    : []
  return { urls: [...urls, ...(sum ? [sum] : [])], notes }
}
