/** Returns the entry of `names` with the smallest edit distance to `name`, if it is close enough. */
export function nearestName(name: string, names: readonly string[]): string | undefined {
  const ranked = names
    .map(candidate => ({
      candidate,
      distance: editDistance(name.toUpperCase(), candidate.toUpperCase()),
    }))
    .sort((a, b) => a.distance - b.distance)
  const best = ranked[0]
  return best && best.distance <= Math.max(2, name.length / 3) ? best.candidate : undefined
}

/** Returns the Levenshtein distance; keeps one row at a time. */
function editDistance(a: string, b: string) {
  let row = Array.from({ length: b.length + 1 }, (_, column) => column)
  for (let i = 1; i <= a.length; i++) {
    const next = [i]
    for (let j = 1; j <= b.length; j++) {
      const substitution = (row[j - 1] ?? 0) + (a[i - 1] === b[j - 1] ? 0 : 1)
      next.push(Math.min((row[j] ?? 0) + 1, (next[j - 1] ?? 0) + 1, substitution))
    }
    row = next
  }
  return row[b.length] ?? 0
}
