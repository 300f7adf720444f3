/**
 * Remembers what a test file can change in its process, and returns a function that puts it back, so
 * that the next file in the same process starts as if it were alone.
 */
export function processState() {
  const env = { ...process.env }
  const cwd = process.cwd()
  const umask = process.umask()
  return () => {
    for (const name of Object.keys(process.env)) if (!(name in env)) delete process.env[name]
    Object.assign(process.env, env)
    process.chdir(cwd)
    process.umask(umask)
    process.exitCode = undefined
  }
}
