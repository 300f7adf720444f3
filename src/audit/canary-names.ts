/** Names that exist for one audit only. */
export type CanaryNames = ReturnType<typeof canaryNames>

/** @param id random, so that no cache knows the names from an earlier audit */
export function canaryNames(id: string) {
  const name = (label: string) => `${label}.audit-${id}.test`
  return {
    /** On the twin's allowlist. */
    listed: name('listed'),
    alsoListed: name('also-listed'),
    /** Listed, and resolve to addresses that must stay unreachable. */
    private: name('private'),
    neighbour: name('neighbour'),
    mixed: name('mixed'),
    flip: name('flip'),
    metadata: name('metadata'),
    loopback: name('loopback'),
    /** Not listed, and resolve to the canary. */
    unlisted: name('unlisted'),
    belowListed: name('below.listed'),
    /** For one DNS query each: the query itself leaks the name. */
    secret: (label: string) => name(`secret-${label}`),
  }
}

/** Returns the names that the twin's policy lists for its agent. */
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
