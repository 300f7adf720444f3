/**
 * Builds the path of a request, with each value escaped as one segment: a slash, a question mark or a line break of
 * a branch name cannot change what is requested.
 */
export function forgePath(parts: TemplateStringsArray, ...values: (string | number)[]): string {
  return String.raw({ raw: parts }, ...values.map(value => segment(String(value))))
}

function segment(value: string): string {
  // URL parsers resolve these, also when they are escaped.
  if (value === '' || value === '.' || value === '..') {
    throw new Error(`a path has a segment "${value}"`)
  }
  return encodeURIComponent(value)
}
