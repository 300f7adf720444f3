import { spawn } from 'node:child_process'
import { readFileSync } from 'node:fs'
import type { Command } from './system.ts'

/** Measures the milliseconds that `work` takes. */
export async function timed(work: () => Promise<unknown>): Promise<number> {
  const started = performance.now()
  await work()
  return performance.now() - started
}

/** Measures milliseconds from the start of a program to its exit. Rejects when the program fails. */
export function wholeTime({ argv: [file, ...args], cwd, env }: Command): Promise<number> {
  return new Promise((resolve, reject) => {
    const started = performance.now()
    const child = spawn(file, args, { cwd, env, stdio: ['ignore', 'ignore', 'pipe'] })
    let complaint = ''
    child.stderr.on('data', (chunk: Buffer) => {
      complaint = (complaint + chunk).slice(-2_000)
    })
    child.once('error', reject)
    // `exit` and not `close`: background processes that the program leaves running do not count.
    child.once('exit', code => {
      const milliseconds = performance.now() - started
      if (code === 0) resolve(milliseconds)
      else reject(new Error(`${file} ${args.join(' ')} ended with ${code}\n${complaint}`))
    })
  })
}

const memoryAskedEvery = 3

/**
 * Returns the peak memory in MiB of a program (also after an exec), from the kernel; polled,
 * because the record is gone when the program ends.
 */
export async function peakMemory({ argv: [file, ...args], cwd, env }: Command): Promise<number> {
  const child = spawn(file, args, { cwd, env, stdio: ['ignore', 'ignore', 'ignore'] })
  let peak = 0
  const timer = setInterval(() => {
    const status = readStatus(child.pid)
    peak = Math.max(peak, Number(/^VmHWM:\s+(\d+) kB/m.exec(status)?.[1] ?? 0) / 1024)
  }, memoryAskedEvery)
  try {
    const code = await new Promise((resolve, reject) => {
      child.once('error', reject)
      child.once('exit', resolve)
    })
    if (code !== 0) throw new Error(`${file} ${args.join(' ')} ended with ${code}`)
    return peak
  } finally {
    clearInterval(timer)
  }
}

function readStatus(pid: number | undefined) {
  try {
    return readFileSync(`/proc/${pid}/status`, 'utf8')
  } catch {
    return ''
  }
}

/**
 * Runs a program in a terminal of its own: measures milliseconds from its start to the first byte it
 * shows there, and to the first time it shows `word`. Does not end the program: the caller must do so,
 * and `finished` resolves when it has ended.
 */
export function timeToScreen(command: Command, word: string) {
  const { argv, cwd, env } = command
  const line = `exec ${argv.map(quote).join(' ')} 2>/dev/null`
  const started = performance.now()
  const child = spawn('script', ['-qfec', line, '/dev/null'], {
    cwd,
    env: { ...env, SHELL: '/bin/sh' },
    // Keep stdin open: its end would be typed into the terminal as Ctrl-D.
    stdio: ['pipe', 'pipe', 'inherit'],
  })
  const finished = new Promise<void>(resolve => child.once('close', () => resolve()))
  const times = new Promise<{ firstByte: number; firstWord: number }>((resolve, reject) => {
    let firstByte = 0
    let shown = ''
    child.once('error', reject)
    child.stdout.on('data', (chunk: Buffer) => {
      firstByte ||= performance.now() - started
      shown += chunk
      if (shown.includes(word)) resolve({ firstByte, firstWord: performance.now() - started })
    })
    child.once('close', () => reject(new Error(`${argv.join(' ')} did not show ${word}: ${shown}`)))
  })
  return { times, finished }
}

function quote(word: string) {
  return `'${word.replaceAll("'", "'\\''")}'`
}
