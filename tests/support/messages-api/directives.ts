/**
 * What a prompt tells the stand-in to do, in double brackets:
 *
 *     [[delay 500]]             wait 500 ms before the first byte
 *     [[stream 100 50 10]]      100 pieces of text, 50 ms apart, 10 characters each
 *     [[bash echo hi]]          call the Bash tool, then answer with what it printed
 *     [[read /workspace/a]]     call the Read tool, then answer with what it read
 *     [[tool NAME {"a":1}]]     call any tool with this input, then answer with what it gave
 *     [[parallel [{"tool":"a","input":{}},{"tool":"b","input":{}}]]]   call several tools at once
 *     [[error 529]]             answer with this status; [[error 529 2]] does so two times only
 *     [[drop 3]]                cut the connection after 3 pieces; [[drop 3 1]] one time only
 *     [[say hello]]             answer with this text
 *     [[usage {"speed":"fast"}]]  say that it used this, in the answer's own words
 *     [[structured {"a": 1}]]   answer in the form of a schema
 */
export type Directive =
  | { name: 'delay'; milliseconds: number }
  | { name: 'stream'; pieces: number; milliseconds: number; size: number }
  | { name: 'bash'; command: string }
  | { name: 'read'; path: string }
  | { name: 'tool'; tool: string; input: Record<string, unknown> }
  | { name: 'parallel'; calls: { tool: string; input: Record<string, unknown> }[] }
  | { name: 'error'; status: number; times: number }
  | { name: 'drop'; after: number; times: number }
  | { name: 'say'; text: string }
  | { name: 'usage'; usage: Record<string, unknown> }
  | { name: 'structured'; output: Record<string, unknown> }

/** The directives of a prompt in their order. One that is misspelled throws: a test must not pass by it. */
export function parseDirectives(prompt: string): Directive[] {
  return [...prompt.matchAll(/\[\[(\w+) ?([\s\S]*?)\]\]/g)].map(([whole, name, rest = '']) => {
    const [first = 0, second, third = 8] = rest.split(' ').map(Number)
    switch (name) {
      case 'delay':
        return { name, milliseconds: first }
      case 'stream':
        return { name, pieces: first, milliseconds: second ?? 0, size: third }
      case 'bash':
        return { name, command: rest }
      case 'read':
        return { name, path: rest }
      case 'tool': {
        const end = rest.indexOf(' ')
        return { name, tool: rest.slice(0, end), input: JSON.parse(rest.slice(end)) }
      }
      case 'parallel':
        return { name, calls: JSON.parse(`${rest}]`) }
      case 'error':
        return { name, status: first, times: second ?? Number.POSITIVE_INFINITY }
      case 'drop':
        return { name, after: first, times: second ?? Number.POSITIVE_INFINITY }
      case 'usage':
        return { name, usage: JSON.parse(rest) }
      case 'say':
        return { name, text: rest }
      case 'structured':
        return { name, output: JSON.parse(rest) }
      default:
        throw new Error(`unknown directive ${whole}`)
    }
  })
}
