import { must } from '../../tests/support/stack/process.ts'
import type { Figure } from '../figure.ts'
import type { Row } from '../row.ts'

/** The minimal image has Python since agents run scripts in it: 49 of its 693 MB. */
const limits = { claude: 700, full: 2400, proxy: 150, gateway: 300 }
const names = {
  claude: 'claude, minimal',
  full: 'claude, full',
  proxy: 'proxy',
  gateway: 'gateway',
}

/**
 * In decimal MB, as in `docker image ls`. The baseline of the claude image is the program it is made
 * for.
 */
export const imageSizeRow: Row = {
  id: 'P13',
  async measure({ images }) {
    if (!images) return null
    const figures: Figure[] = []
    for (const name of ['claude', 'full', 'proxy', 'gateway'] as const) {
      const image = images[name]
      if (!image) continue
      figures.push({
        row: 'P13',
        what: `size of the image: ${names[name]}`,
        unit: 'MB',
        ours: [Number(await must('docker', ['inspect', '--format', '{{.Size}}', image])) / 1e6],
        baseline: name === 'claude' ? [await programSize(image)] : null,
        target: { kind: 'at-most', limit: limits[name] },
      })
    }
    return figures
  },
}

async function programSize(image: string): Promise<number> {
  const script = 'stat --dereference --format %s "$(command -v claude)"'
  const args = ['run', '--rm', '--network', 'none', '--entrypoint', 'sh', image, '-c', script]
  return Number(await must('docker', args)) / 1e6
}
