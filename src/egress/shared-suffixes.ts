/**
 * Suffixes below which anybody can register a name of his own, and serve it or answer DNS for it (N4).
 * With `*.` the names between are regions or products, shared just the same.
 */
const sharedSuffixes = [
  '*.amazonaws.com',
  'appspot.com',
  'azureedge.net',
  'azurewebsites.net',
  'cloudapp.azure.com',
  'cloudfront.net',
  '*.core.windows.net',
  'fastly.net',
  'firebaseapp.com',
  'fly.dev',
  'github.io',
  'githubusercontent.com',
  'gitlab.io',
  'herokuapp.com',
  'netlify.app',
  'ngrok.app',
  'ngrok.io',
  'onrender.com',
  'pages.dev',
  '*.r2.cloudflarestorage.com',
  'r2.dev',
  'run.app',
  'storage.googleapis.com',
  'supabase.co',
  'trycloudflare.com',
  'vercel.app',
  'web.app',
  'workers.dev',
]

/** Whether a list entry `.name` admits names of people nobody here knows. */
export function isShared(name: string) {
  return sharedSuffixes.some(entry => {
    const suffix = entry.replace(/^\*\./, '')
    const above = name === suffix || suffix.endsWith(`.${name}`)
    return above || (entry !== suffix && name.endsWith(`.${suffix}`))
  })
}

/** Whether one host serves the places of many: a suffix itself, or what stands for a region of one. */
export function isSharedHost(name: string) {
  return sharedSuffixes.some(entry => {
    const suffix = entry.replace(/^\*\./, '')
    return name === suffix || (entry !== suffix && name.endsWith(`.${suffix}`))
  })
}

/** Whether it is a host of a cloud that names its hosts by product, region and customer. */
export function isBelowShared(name: string) {
  return sharedSuffixes.some(
    entry => entry.startsWith('*.') && name.endsWith(entry.slice(1)) && name !== entry.slice(2),
  )
}
