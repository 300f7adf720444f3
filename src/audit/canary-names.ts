/** Names that exist for one audit, and mean nothing outside of it. */
export type CanaryNames = ReturnType<typeof canaryNames>

/** `id`: random, so that no earlier audit has made any cache know them. */
export function canaryNames(id: string) {
  const name = (label: string) => `${label}.audit-${id}.test`
  return {
    /** On the twin's list. */
    listed: name('listed'),
    alsoListed: name('also-listed'),
    /** Listed, and lead where nobody may go. */
    private: name('private'),
    neighbour: name('neighbour'),
    mixed: name('mixed'),
    flip: name('flip'),
    metadata: name('metadata'),
    loopback: name('loopback'),
    /** Not listed, and lead to the canary. */
    unlisted: name('unlisted'),
    belowListed: name('below.listed'),
    /** For one question each: whoever asks gives the name away. */
    secret: (label: string) => name(`secret-${label}`),
  }
}

/** Those that the twin's policy lists for its agent. */
export function listedNames(names: CanaryNames): string[] {
  const {
    listed,
    alsoListed,
    private: private_,
    neighbour,
    mixed,
    flip,
    metadata,
    loopback,
  } = names
  return [listed, alsoListed, private_, neighbour, mixed, flip, metadata, loopback]
}
