import { findDebianMirror } from '../../machine/debian-mirror.ts'
import { type Preset, unknownSource } from './preset.ts'

/** Returns the mirror that apt uses on this machine, which the images are built from too. */
export const debianSites: Preset = async ({ debianMirror, signal }) => {
  const mirror = await findDebianMirror({
    suite: 'trixie',
    mirror: debianMirror,
    ...(signal && { signal }),
  })
  if (mirror.kind === 'default') {
    throw unknownSource(
      'debian',
      'apt on this machine has no Debian mirror',
      'set DEBIAN_MIRROR in .env',
    )
  }
  const urls = [mirror.packages, ...(mirror.security ? [mirror.security] : [])]
  const plain = urls.filter(url => url.startsWith('http:'))
  return {
    // The proxy allows HTTPS on port 443 only; most mirrors answer there too.
    urls: urls.map(url => url.replace(/^http:/, 'https:')),
    notes: [
      ...plain.map(url => `${url} stays blocked: use https://, the proxy allows nothing else`),
      'use the mirror for downloads: apt cannot install in the container, which has no root',
    ],
  }
}
