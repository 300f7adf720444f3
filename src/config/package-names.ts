/**
 * A package name with an optional version. apt accepts more than names: a trailing `-` removes a package,
 * `/` selects another suite, `*` matches many packages, and a leading dash is an option.
 */
const packageName = /^[a-z0-9](?:[a-z0-9+.-]*[a-z0-9+.])?(?:=[A-Za-z0-9][A-Za-z0-9.+:~-]*)?$/

const atMost = 200

/** Parses `bc g++ hello=2.10-5` into unique names in a stable order; null when one is not a valid package name. */
export function parsePackages(value: string): string[] | null {
  const names = [...new Set(value.split(/[\s,]+/).filter(name => name !== ''))].sort()
  const good = names.every(name => name.length <= 200 && packageName.test(name))
  return good && names.length <= atMost ? names : null
}
