/**
 * Suffixes below which anyone can register a name, and serve it or answer DNS for it (N4). With `*.`,
 * the labels in between are regions or products, and are shared as well.
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

/** Returns whether a list entry `.name` admits names that strangers can register. */
export function isShared(name: string) {
  return sharedSuffixes.some(entry => {
    const suffix = entry.replace(/^\*\./, '')
    const above = name === suffix || suffix.endsWith(`.${name}`)
    return above || (entry !== suffix && name.endsWith(`.${suffix}`))
  })
}

/** Returns whether one host serves many tenants: a suffix itself, or a region of one. */
export function isSharedHost(name: string) {
  return sharedSuffixes.some(entry => {
    const suffix = entry.replace(/^\*\./, '')
    return name === suffix || (entry !== suffix && name.endsWith(`.${suffix}`))
  })
}

/** Returns whether the host belongs to a cloud that names hosts by product, region and customer. */
export function isBelowShared(name: string) {
  return sharedSuffixes.some(
    entry => entry.startsWith('*.') && name.endsWith(entry.slice(1)) && name !== entry.slice(2),
  )
}
