import { execFileSync } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'
import { basename, dirname, join, normalize } from 'node:path'
import t from 'tap'

const top = join(import.meta.dirname, '../..')
const files = execFileSync('git', ['ls-files', '-co', '--exclude-standard'], { cwd: top })
  .toString()
  .trimEnd()
  .split('\n')
  .filter(path => existsSync(join(top, path)))
const documents = files.filter(path => path.endsWith('.md') && !path.includes('/fixtures/'))
const read = (path: string) => readFileSync(join(top, path), 'utf8')
const isThere = (path: string) => files.some(file => file === path || file.startsWith(`${path}/`))

t.test('every link in a document leads to a file, and to a heading in it', async t => {
  const dead = documents.flatMap(document =>
    links(read(document))
      .filter(link => !/^[a-z]+:/.test(link))
      .filter(link => !resolves(document, link))
      .map(link => `${document}: ${link}`),
  )
  t.same(dead, [])
})

t.test('every page of docs is reached from the README or the list of decisions', async t => {
  const reached = new Set(
    ['README.md', 'docs/decisions/README.md'].flatMap(from =>
      links(read(from)).map(link => normalize(join(dirname(from), link.replace(/#.*/, '')))),
    ),
  )
  const pages = documents.filter(path => path.startsWith('docs/'))
  t.same(
    pages.filter(path => !reached.has(path)),
    [],
  )
})

t.test('every page that a message or a comment names is there', async t => {
  const named = files
    .filter(path => /^(?:src|bench|bin|claude|proxy|gateway|additions)\/|^\.env/.test(path))
    .flatMap(path =>
      (read(path).match(/\bdocs\/[\w/.-]+\.md/g) ?? []).map(page => ({ path, page })),
    )
  t.ok(named.length > 5)
  t.same(
    named.filter(({ page }) => !isThere(page)),
    [],
  )
})

t.test('every path that docs/architecture.md and docs/security.md name is there', async t => {
  const folders = 'src|tests|bench|bin|proxy|claude|gateway|additions|docs'
  const path = new RegExp(`(?<![\\w/.~-])(?:${folders})/[\\w./-]*[\\w/]`, 'g')
  for (const document of ['docs/architecture.md', 'docs/security.md', 'CONTRIBUTING.md']) {
    const named = read(document).match(path) ?? []
    t.ok(named.length > 5, document)
    const gone = named.map(name => name.replace(/\/$/, '')).filter(name => !isThere(name))
    t.same(gone, [], `${document} names files that are not there`)
    const bare = [...read(document).matchAll(/`([\w-]+\.(?:ts|sh|md))`/g)].map(([, name]) => name)
    const known = new Set(files.map(file => basename(file)))
    t.same(
      bare.filter(name => name === undefined || !known.has(name)),
      [],
    )
  }
})

t.test('the tree of docs/architecture.md has every folder of src, and its layers too', async t => {
  const text = read('docs/architecture.md')
  const layers = /^## Layers\n([\s\S]*?)^## /m.exec(text)?.[1] ?? ''
  const block = (layers.match(/^ {4}.*$/gm) ?? []).join(' ').split(/[\s|,]+/)
  const folders = new Set(files.flatMap(file => /^src\/([\w-]+)\//.exec(file)?.[1] ?? []))
  t.ok(folders.size > 20)
  for (const folder of folders) {
    t.match(text, new RegExp(`^ {4}src/${folder}/ `, 'm'), folder)
    t.ok(block.includes(folder), `${folder} has a layer`)
  }
})

/** Targets of links and images; what stands in code is none. */
function links(text: string): string[] {
  const prose = text.replace(/^```.*?^```/gms, '').replace(/`[^`\n]*`/g, '')
  return [...prose.matchAll(/\]\(([^)\s]+)\)|<(?:a href|img [^>]*?src)="([^"]+)"/g)].map(
    ([, markdown, html]) => markdown ?? html ?? '',
  )
}

function resolves(document: string, link: string): boolean {
  const [path = '', anchor] = link.split('#')
  const target = path === '' ? document : normalize(join(dirname(document), path))
  if (!isThere(target)) return false
  return anchor === undefined || anchors(read(target)).includes(anchor)
}

/** As GitHub makes them: lower case, spaces to hyphens, other punctuation dropped. */
function anchors(text: string): string[] {
  const headings = [...text.replace(/^```.*?^```/gms, '').matchAll(/^#+ (.+)$/gm)]
  return headings.map(([, heading = '']) =>
    heading
      .toLowerCase()
      .replace(/[^\p{L}\p{N}\s_-]/gu, '')
      .replace(/\s/g, '-'),
  )
}
