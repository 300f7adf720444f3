/**
 * Follows the output of one `tap run` after the other: shows a line for each test file, the details
 * of what failed, and counts assertions over all of them.
 */
export function createTapSummary(print: (line: string) => void) {
  const total = { passed: 0, failed: 0 }
  let block: string[] = []
  let counted = false

  return {
    line(line: string) {
      const file = /^(not )?ok \d+ - (\S+).*?(# time=[\d.]+(?:ms|s)?)?\s*\{?$/.exec(line)
      const count = /^# \{ total: (\d+)(?:, pass: (\d+))?(?:, fail: (\d+))?/.exec(line)
      if (file) {
        print(
          `${file[1] ? 'FAILED' : 'ok    '} ${file[2]} ${file[3]?.replace('# time=', '') ?? ''}`,
        )
        if (file[1]) for (const detail of failures(block)) print(`    ${detail}`)
        block = []
      } else if (count) {
        counted = true
        total.passed += Number(count[2] ?? 0)
        total.failed += Number(count[3] ?? 0)
      } else {
        block.push(line)
      }
    },
    /** Whether the suite reported a count at all: one that crashed early must not pass as empty. */
    endSuite(name: string) {
      const complete = counted
      if (!complete) {
        print(`FAILED ${name}: tap ended without a count`)
        for (const line of block.slice(-40)) print(`    ${line}`)
        total.failed += 1
      }
      counted = false
      block = []
      return complete
    },
    count: () => ({ ...total }),
  }
}

/** Each failed assertion with its diagnostics, but not the ones that passed around it. */
function* failures(block: readonly string[]) {
  let shown: string | null = null
  for (const line of block) {
    const indent = line.slice(0, line.search(/\S|$/))
    if (/^\s*not ok/.test(line)) shown = indent
    else if (shown !== null && /^\s*(ok|# Subtest|\d+\.\.\d+)/.test(line)) shown = null
    if (shown !== null) yield line
  }
}
