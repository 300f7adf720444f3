// biome-ignore lint/suspicious/noControlCharactersInRegex: this pattern finds them
const controls = /[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f]/g

/**
 * Removes control characters from a text that is pasted: a copied page can hold the sequence that ends a paste, and
 * after it keys that the user did not type.
 */
export function pasteable(text: string): string {
  return text.replace(controls, '')
}
