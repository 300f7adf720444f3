/**
 * A package, with a version where one is asked for. apt reads more than names: a name that ends in `-`
 * removes a package, `/` takes another suite, `*` stands for many, and a dash in front is an option.
 */
const packageName = /^[a-z0-9](?:[a-z0-9+.-]*[a-z0-9+.])?(?:=[A-Za-z0-9][A-Za-z0-9.+:~-]*)?$/

const atMost = 200

/** `bc g++ hello=2.10-5` → the names, each once, in a stable order; null when one cannot be a package. */
export function parsePackages(value: string): string[] | null {
  const names = [...new Set(value.split(/[\s,]+/).filter(name => name !== ''))].sort()
  const good = names.every(name => name.length <= 200 && packageName.test(name))
  return good && names.length <= atMost ? names : null
}
