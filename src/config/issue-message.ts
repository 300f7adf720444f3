import type * as z from 'zod'

type Issue = Parameters<z.core.$ZodErrorMap>[0]

const kinds: Readonly<Record<string, string>> = {
  string: 'a string',
  number: 'a number',
  int: 'a whole number',
  boolean: 'true or false',
  array: 'a list',
  object: 'an object',
  record: 'an object',
}

/** Describes an invalid value in a file that the user wrote, when its schema has no message of its own. */
export function issueMessage(issue: Issue): string {
  switch (issue.code) {
    case 'invalid_type':
      return issue.input === undefined ? 'is missing' : `must be ${kind(issue.expected)}`
    case 'too_small':
      return issue.minimum === 1 && issue.origin === 'string'
        ? 'must not be empty'
        : `must be ${issue.minimum} or more`
    case 'too_big':
      return issue.origin === 'string' || issue.origin === 'array'
        ? `is too long: ${issue.maximum} ${issue.origin === 'array' ? 'entries' : 'characters'} at most`
        : `must be ${issue.maximum} or less`
    case 'invalid_value':
      return `must be ${issue.values.map(value => JSON.stringify(value)).join(' or ')}`
    case 'unrecognized_keys':
      return `has an unknown key: ${issue.keys.join(', ')}`
    case 'invalid_key':
      return 'has an invalid name'
    case 'invalid_format':
      return issue.format === 'url' ? 'must be a URL' : 'has an unsupported form'
    default:
      return 'has an unsupported form'
  }
}

function kind(expected: string) {
  return kinds[expected] ?? expected
}

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
