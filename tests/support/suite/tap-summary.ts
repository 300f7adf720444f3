export type Timed = { name: string; seconds: number }

export type TapStream = {
  line: (line: string) => void
  /** Whether the process reported its count: one that crashed must not pass as one that ended. */
  end: () => boolean
}

/**
 * Follows the TAP of several processes at once: shows a line for each test file and the details of
 * each failure, counts assertions over all of them, and keeps what took how long.
 */
export function createTapSummary(print: (line: string) => void) {
  const total = { passed: 0, failed: 0 }
  const files: Timed[] = []
  const tests: Timed[] = []

  return {
    stream(): TapStream {
      let block: string[] = []
      let counted = false
      return {
        line(line) {
          const file = /^(not )?ok \d+ - (\S+)(?: # time=([\d.]+m?s?))?/.exec(line)
          const count = /^# \{ total: (\d+)(?:, pass: (\d+))?(?:, fail: (\d+))?/.exec(line)
          if (file) {
            const [, failed, name = '', time] = file
            print(`${failed ? 'FAILED' : 'ok    '} ${name} ${time ?? ''}`)
            if (failed) for (const detail of failures(block)) print(`    ${detail}`)
            // What a file measured is shown also when it is in its bounds.
            for (const line of block.filter(isFigure)) print(`    ${clip(line.trim())}`)
            files.push({ name, seconds: seconds(time) })
            tests.push(...timedTests(block, name))
            block = []
          } else if (count) {
            counted = true
            total.passed += Number(count[2] ?? 0)
            total.failed += Number(count[3] ?? 0)
          } else {
            block.push(line)
          }
        },
        end() {
          if (!counted) for (const line of block.slice(-40)) print(`    ${clip(line)}`)
          return counted
        },
      }
    },
    /** Counts what is no assertion: a crash, a linter's finding. */
    fail() {
      total.failed += 1
    },
    count: () => ({ ...total }),
    files: (): readonly Timed[] => files,
    slowest: (most: number) => ({ files: longest(files, most), tests: longest(tests, most) }),
  }
}

function isFigure(line: string) {
  return /^\s*# figure: /.test(line)
}

function longest(all: readonly Timed[], most: number) {
  return all.toSorted((a, b) => b.seconds - a.seconds).slice(0, most)
}

/** The tests of a file, which tap indents once and times; assertions have no time. */
function* timedTests(block: readonly string[], file: string): Generator<Timed> {
  for (const line of block) {
    const test = /^ {4}(?:not )?ok \d+ - (.*) # time=([\d.]+m?s?)/.exec(line)
    if (test) yield { name: `${file}: ${test[1]}`, seconds: seconds(test[2]) }
  }
}

function seconds(time = '0') {
  return Number.parseFloat(time) / (time.endsWith('ms') ? 1000 : 1)
}

/** Each failed assertion with its diagnostics, but not the ones that passed around it. */
function* failures(block: readonly string[]) {
  let shown: string | null = null
  for (const line of block) {
    const indent = line.slice(0, line.search(/\S|$/))
    if (/^\s*not ok/.test(line)) shown = indent
    else if (shown !== null && /^\s*(ok|# Subtest|\d+\.\.\d+)/.test(line)) shown = null
    if (shown !== null) yield clip(line)
  }
}

/** A stack through a bundled package quotes whole files as one line. */
function clip(line: string) {
  return line.length > 500 ? `${line.slice(0, 500)}…` : line
}
