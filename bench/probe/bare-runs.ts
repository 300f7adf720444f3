import { spawn } from 'node:child_process'
import type { BareRunsPlan } from './bare-runs-plan.ts'

/** Starts the bare program in all folders of the plan at once, and prints the milliseconds until all have ended. */
const plan = JSON.parse(process.argv[2] ?? '') as BareRunsPlan
const started = performance.now()
const moments = await Promise.all(plan.folders.map(bare))
const milliseconds =
  plan.until === 'text' ? Math.max(...moments) - started : performance.now() - started
process.stdout.write(JSON.stringify(milliseconds))

/** Resolves with the time of the first text, if the plan asks for it. */
function bare(cwd: string): Promise<number> {
  return new Promise((resolve, reject) => {
    const stream = ['--output-format', 'stream-json', '--verbose', '--include-partial-messages']
    const options = plan.until === 'text' ? stream : []
    const args = ['--dangerously-skip-permissions', '-p', plan.prompt, ...options]
    const child = spawn('claude', args, { cwd, stdio: ['ignore', 'pipe', 'inherit'] })
    let first = 0
    let text = ''
    child.stdout.setEncoding('utf8')
    child.stdout.on('data', chunk => {
      if (plan.until === 'end' || first > 0) return
      text += chunk
      if (text.includes('"text_delta"')) first = performance.now()
    })
    child.once('error', reject)
    child.once('close', code => {
      if (code === 0) resolve(first)
      else reject(new Error(`claude ended with ${code}`))
    })
  })
}
