// Links and anchors between the documents, as GitHub and the site have them; at night, the site itself.
import { execFileSync } from 'node:child_process'
import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs'
import { dirname, join, relative } from 'node:path'
import { describe, expect, it } from 'vitest'
import { others, pages } from '../../site/pages.mjs'
import { slug } from '../../site/slug.mjs'

const ROOT = join(import.meta.dirname, '../..')
const textOf = (path: string) =>
  readFileSync(join(ROOT, path), 'utf8').replace(/^(```+|~~~+)[^\n]*\n[\s\S]*?^\1/gm, '')

/** The anchors of a document; a heading that is there twice has a number the second time. */
function anchorsOf(path: string): Set<string> {
  const found = new Set<string>()
  for (const [, heading = ''] of textOf(path).matchAll(/^#{1,6} +(.+)$/gm)) {
    const anchor = slug(heading.replace(/\[([^\]]*)\]\([^)]*\)/g, '$1'))
    let one = anchor
    for (let count = 1; found.has(one); count++) one = `${anchor}-${count}`
    found.add(one)
  }
  return found
}

const linksOf = (path: string) =>
  [
    ...textOf(path)
      .replace(/`[^`\n]*`/g, '')
      .matchAll(/\]\(([^()\s]+)\)/g),
  ]
    .map(([, link]) => link ?? '')
    .filter((link) => !/^[a-z]+:/.test(link))

describe('the documents', () => {
  it('are all pages of the site', () => {
    const documents = readdirSync(join(ROOT, 'docs')).filter((name) => name.endsWith('.md'))
    expect(documents.length).toBeGreaterThan(10)
    expect(documents.filter((name) => !pages.includes(`docs/${name}`))).toEqual([])
    expect(others.map(([, path]) => path).filter((path) => !existsSync(join(ROOT, path ?? '')))).toEqual([])
  })

  it.each(pages)('%s links to files and headings that there are', (path) => {
    const broken = linksOf(path).filter((link) => {
      const [file = '', anchor] = link.split('#')
      const target = file === '' ? path : relative(ROOT, join(ROOT, dirname(path), decodeURI(file)))
      if (!existsSync(join(ROOT, target))) return true
      return anchor !== undefined && target.endsWith('.md') && !anchorsOf(target).has(anchor)
    })
    expect(broken).toEqual([])
  })
})

const isAsked = process.env.TEST_CLIENTS === 'all'

/** Links and files that pages of the built site name and that it does not have, as servers of static files find them. */
function deadLinksOf(dist: string): string[] {
  const pageOf = (path: string) =>
    [path, `${path}.html`, `${path}index.html`].find((one) => isFile(join(dist, one)))
  const built = readdirSync(dist, { recursive: true, encoding: 'utf8' }).filter((path) =>
    path.endsWith('.html'),
  )
  expect(built.length).toBeGreaterThanOrEqual(pages.length)
  return built.flatMap((page) => {
    const address = new URL(page.replace(/(^|\/)index\.html$/, '$1').replace(/\.html$/, ''), SITE)
    const links = readFileSync(join(dist, page), 'utf8').matchAll(/<[a-z][^>]* (?:href|src)="([^"]+)"/g)
    return [...links].flatMap(([, link = '']) => {
      const { origin, pathname, hash } = new URL(link.replaceAll('&amp;', '&'), address)
      if (origin !== SITE) return []
      const target = pageOf(decodeURIComponent(pathname).slice(1))
      const anchor = decodeURIComponent(hash.slice(1))
      const isThere =
        target !== undefined &&
        (anchor === '' || readFileSync(join(dist, target), 'utf8').includes(`id="${anchor}"`))
      return isThere ? [] : [`${page}: ${link}`]
    })
  })
}

const SITE = 'http://site.example'
const isFile = (path: string) => statSync(path, { throwIfNoEntry: false })?.isFile() === true

describe.skipIf(!isAsked)(`the site${isAsked ? '' : ' (part of npm run test:clients)'}`, () => {
  it('is built without dead links, with a page for every document and a search', () => {
    const env = { ...process.env, DOCS_SOURCE: 'https://example.com/blob/v1' }
    execFileSync('npm', ['run', 'docs:build'], { cwd: ROOT, env, stdio: 'pipe' })
    const dist = join(ROOT, 'site/dist')
    const missing = pages.filter((path) => {
      const page = path.replace(/README\.md$/, 'index.md').replace(/\.md$/, '.html')
      return !existsSync(join(dist, page))
    })
    expect(missing).toEqual([])
    const home = readFileSync(join(dist, 'index.html'), 'utf8')
    expect(home).toContain('href="https://example.com/blob/v1/deploy/nfpm.yaml"')
    expect(home).toContain('id="what-is-not-there"')
    expect(deadLinksOf(dist)).toEqual([])
    const assets = readdirSync(join(dist, 'assets'), { recursive: true, encoding: 'utf8' })
    expect(assets.some((name) => /localSearchIndex/i.test(name))).toBe(true)
  }, 300_000)
})
