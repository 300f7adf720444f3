// A module hook: `import t from 'tap'` in a test file gives the subtest of that file instead of the root.
const facade = new URL('./file-test.ts', import.meta.url).href

export async function resolve(specifier, context, nextResolve) {
  const { parentURL = '' } = context
  if (specifier !== 'tap' || !/\.test\.ts$/.test(new URL(parentURL).pathname))
    return nextResolve(specifier, context)
  // The query makes it one module instance for each file.
  return {
    url: `${facade}?file=${encodeURIComponent(parentURL)}`,
    format: 'module',
    shortCircuit: true,
  }
}
