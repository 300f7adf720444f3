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
