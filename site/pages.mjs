// The pages of the site, by rooms; as a program it copies them, and the pictures beside them, to where VitePress reads them.
import { cpSync, readdirSync, rmSync } from 'node:fs'
import { join } from 'node:path'

export const root = join(import.meta.dirname, '..')

/**
 * Titles and files.
 * @type {Record<string, [title: string, path: string][]>}
 */
export const ROOMS = {
  Start: [
    ['Crateflow', 'README.md'],
    ['Examples', 'examples/README.md'],
    ['Changes', 'CHANGELOG.md'],
  ],
  'Moving in': [
    ['From MLflow, and between stores', 'docs/moving.md'],
    ['Tables of your own', 'docs/tables.md'],
  ],
  Working: [
    ['Rolling a model back', 'docs/registry.md'],
    ['Questions in SQL', 'docs/sql.md'],
    ['Webhooks', 'docs/webhooks.md'],
    ['Deleting for good', 'docs/lifecycle.md'],
    ['The console', 'docs/console.md'],
  ],
  Operating: [
    ['Watching the server', 'docs/operations.md'],
    ['Security', 'SECURITY.md'],
    ['What breaks, and what holds', 'docs/faults.md'],
  ],
  Engines: [
    ['The embedded database', 'docs/embedded.md'],
    ['How tables are laid out', 'docs/storage.md'],
    ['Growing', 'docs/scale.md'],
    ['Reads, measured', 'docs/reads.md'],
    ['Months of use', 'docs/churn.md'],
  ],
  Inside: [
    ['How it is built', 'docs/architecture.md'],
    ['Contributing', 'CONTRIBUTING.md'],
    ['The benchmark', 'bench/README.md'],
  ],
}
const listed = Object.values(ROOMS).flatMap((pages) => pages.map(([, path]) => path))
/**
 * Documents that no room has yet.
 * @type {[title: string, path: string][]}
 */
export const others = readdirSync(join(root, 'docs'))
  .filter((name) => name.endsWith('.md') && !listed.includes(`docs/${name}`))
  .map((name) => [name.replace('.md', ''), `docs/${name}`])
/** Paths of all pages. */
export const pages = [...listed, ...others.map(([, path]) => path)]

if (process.argv[1] === import.meta.filename) {
  const target = join(import.meta.dirname, 'pages')
  rmSync(target, { recursive: true, force: true })
  // VitePress looks for packages above its pages, hence no pages outside of this folder.
  for (const path of pages) cpSync(join(root, path), join(target, path))
  for (const path of readdirSync(join(root, 'docs'), { recursive: true, encoding: 'utf8' }))
    if (/\.(svg|png)$/.test(path)) cpSync(join(root, 'docs', path), join(target, 'docs', path))
}
