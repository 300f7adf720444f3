/**
 * Compose reads YAML, which takes JSON. Escapes the characters that end a line in YAML or that its readers refuse in
 * a text: a folder may have them in its name. Pairs of surrogates stay: YAML has no escape for their halves.
 */
const special = /[\u007f-\ud7ff\ue000-\uffff]/g

/** Renders a compose file. A start does not load the library for YAML, which takes longer than the rest of it. */
export function renderComposeFile(file: object): string {
  const text = JSON.stringify(file, null, 2)
  return `${text.replace(special, character => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`)}\n`
}
