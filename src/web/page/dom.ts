type Listener = (event: Event) => void
type Attributes = Record<string, string | boolean | Listener>
export type Child = Node | string

/**
 * Creates an element. Strings become text, never markup: most of them come from an agent. A function is a
 * listener, `true` an attribute without a value.
 */
export function el<K extends keyof HTMLElementTagNameMap>(
  tag: K,
  attributes: Attributes = {},
  ...children: readonly Child[]
): HTMLElementTagNameMap[K] {
  const element = document.createElement(tag)
  for (const [name, value] of Object.entries(attributes)) {
    if (typeof value === 'function') element.addEventListener(name, value)
    else if (value === true) element.setAttribute(name, '')
    else if (value !== false) element.setAttribute(name, value)
  }
  element.append(...children)
  return element
}

/** Replaces the content of an element, unless a control in it has the focus and `keep` is set. */
export function fill(element: HTMLElement, children: readonly Child[], { keep = false } = {}) {
  if (keep && element.contains(document.activeElement)) return false
  element.replaceChildren(...children)
  return true
}
