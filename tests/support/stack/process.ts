import { spawn } from 'node:child_process'

export type Outcome = { code: number; stdout: string; stderr: string }

/** Runs a program to its end; its exit code is a result and not an exception. */
export function run(
  file: string,
  args: readonly string[],
  options: { cwd?: string; env?: NodeJS.ProcessEnv; input?: string; timeout?: number } = {},
): Promise<Outcome> {
  const { cwd = '/', env = process.env, input = '', timeout = 600_000 } = options
  return new Promise((resolve, reject) => {
    const child = spawn(file, args, { cwd, env, timeout, killSignal: 'SIGKILL' })
    const out: Buffer[] = []
    const err: Buffer[] = []
    child.stdout.on('data', chunk => out.push(chunk))
    child.stderr.on('data', chunk => err.push(chunk))
    child.stdin.on('error', () => {})
    child.stdin.end(input)
    child.once('error', reject)
    child.once('close', code =>
      resolve({
        code: code ?? -1,
        stdout: Buffer.concat(out).toString(),
        stderr: Buffer.concat(err).toString(),
      }),
    )
  })
}

/** Like `run`, for steps of a test's own set-up: anything but 0 is an error that shows the output. */
export async function must(
  file: string,
  args: readonly string[],
  options: Parameters<typeof run>[2] = {},
): Promise<string> {
  const { code, stdout, stderr } = await run(file, args, options)
  if (code !== 0)
    throw new Error(`${file} ${args.join(' ')} ended with ${code}\n${stdout}\n${stderr}`)
  return stdout
}

/**
 * Asks again and again until `probe` gives something, and says what it waited for when it never does. The
 * pauses grow: a probe is often a `docker exec`, whose cost slows what it waits for. The limit is for what
 * never comes: no machine is so slow that it reaches it.
 */
export async function until<T>(
  what: string,
  probe: () => Promise<T | null | undefined | false>,
  timeout = 180_000,
): Promise<T> {
  const deadline = Date.now() + timeout
  for (let pause = 50; ; pause = Math.min(pause * 1.4, 400)) {
    const result = await probe()
    if (result) return result
    if (Date.now() > deadline) throw new Error(`waited ${timeout / 1000} s for ${what}`)
    await new Promise(resolve => setTimeout(resolve, pause))
  }
}
