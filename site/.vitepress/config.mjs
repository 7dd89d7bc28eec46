// The documentation as a site, of the Markdown that is read on GitHub, as it is. `npm run docs:build` writes it to site/dist.
import { existsSync } from 'node:fs'
import { join, posix } from 'node:path'
import { defineConfig } from 'vitepress'
import { others, pages, ROOMS, root } from '../pages.mjs'
import { slug } from '../slug.mjs'

/** Where the files of this version are read that are no pages, such as `https://…/blob/v0.1.0`. */
const source = process.env.DOCS_SOURCE

const linkTo = (path) => `/${path.replace(/(^|\/)README\.md$/, '$1').replace(/\.md$/, '')}`
const toItems = (room) => room.map(([text, path]) => ({ text, link: linkTo(path) }))

/** Pages that are called README are called index on the site. */
const renamed = (path) => path.replace(/(^|\/)README\.md$/, '$1index.md')

/**
 * Links to pages lead to where they are on the site. Those to files of the repository that are no pages lead to its sources; where
 * those are nowhere, only their text stays.
 */
function linkToSources(markdown) {
  markdown.core.ruler.push('sources', ({ tokens, env }) => {
    for (const { children } of tokens) {
      let isDropped = false
      for (const token of children ?? []) {
        if (token.type === 'link_close' && isDropped) {
          Object.assign(token, { type: 'text', tag: '', nesting: 0, content: '' })
          isDropped = false
        }
        if (token.type !== 'link_open') continue
        const href = token.attrGet('href') ?? ''
        const [file = '', ...anchor] = href.split('#')
        const path = posix.join(posix.dirname(env.relativePath), file)
        const isOurs = href !== '' && !/^([a-z]+:|#|\/)/.test(href)
        if (isOurs && pages.includes(path)) token.attrSet('href', [renamed(file), ...anchor].join('#'))
        if (!isOurs || pages.includes(path) || !existsSync(join(root, path))) continue
        if (source) token.attrSet('href', `${source}/${path}`)
        else {
          Object.assign(token, { type: 'text', tag: '', nesting: 0, content: '' })
          isDropped = true
        }
      }
    }
  })
}

export default defineConfig({
  title: 'Crateflow',
  description:
    'An experiment tracking server that speaks the REST API of MLflow, on CrateDB, PostgreSQL or an embedded database',
  base: process.env.DOCS_BASE ?? '/',
  srcDir: './pages',
  outDir: './dist',
  cacheDir: './.cache',
  rewrites: Object.fromEntries(
    pages.filter((path) => path.endsWith('README.md')).map((path) => [path, renamed(path)]),
  ),
  cleanUrls: true,
  lastUpdated: false,
  markdown: { anchor: { slugify: slug }, config: linkToSources },
  themeConfig: {
    search: { provider: 'local' },
    outline: [2, 3],
    sidebar: [
      ...Object.entries(ROOMS).map(([text, room]) => ({ text, items: toItems(room) })),
      ...(others.length > 0 ? [{ text: 'More', items: toItems(others) }] : []),
    ],
    ...(source && { socialLinks: [{ icon: 'github', link: source.replace(/\/blob\/.*/, '') }] }),
  },
})
