import { findDebianMirror } from '../../machine/debian-mirror.ts'
import { nobodyToAsk, type Preset } from './preset.ts'

/** The mirror that apt is configured with here, which the images are built from too. */
export const debianSites: Preset = async ({ debianMirror, signal }) => {
  const mirror = await findDebianMirror({
    suite: 'trixie',
    mirror: debianMirror,
    ...(signal && { signal }),
  })
  if (mirror.kind === 'default') {
    throw nobodyToAsk(
      'debian',
      'apt is configured with no Debian mirror here',
      'set DEBIAN_MIRROR in .env',
    )
  }
  const urls = [mirror.packages, ...(mirror.security ? [mirror.security] : [])]
  const plain = urls.filter(url => url.startsWith('http:'))
  return {
    // Nothing but HTTPS on 443 is let through; most mirrors answer there too.
    urls: urls.map(url => url.replace(/^http:/, 'https:')),
    notes: [
      ...plain.map(url => `${url} is not let through as it is: only https:// is`),
      'apt cannot install in the container, which has no root: this is for downloads',
    ],
  }
}
