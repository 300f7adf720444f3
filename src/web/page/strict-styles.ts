/**
 * Lets xterm.js work below a policy without inline styles. It writes `style` attributes, which the policy refuses
 * and the object model may set, and makes style elements, which need the page's nonce.
 */
export function allowOwnStyles() {
  const nonce = document.querySelector<HTMLElement>('meta[name=nonce]')?.nonce ?? ''
  const { setAttribute } = Element.prototype
  HTMLElement.prototype.setAttribute = function (name: string, value: string) {
    if (name === 'style') this.style.cssText = value
    else setAttribute.call(this, name, value)
  }
  const create = document.createElement.bind(document)
  document.createElement = (tag: string, options?: ElementCreationOptions) => {
    const element = create(tag, options)
    if (element instanceof HTMLStyleElement) element.nonce = nonce
    return element
  }
}
