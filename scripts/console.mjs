// Builds the console, the pages of our own at /crateflow, once for each state of its sources: nothing else of the program changes it.
import { createHash } from 'node:crypto'
import {
  cpSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { join, relative } from 'node:path'
import { brotliCompressSync, constants, gzipSync } from 'node:zlib'
import { build } from 'vite'

const root = join(import.meta.dirname, '..')
/** Builds lie here, each named by what it was made of. */
const kept = join(root, '.cache/console')
/** Files of fewer bytes fit into a packet anyway. */
const SMALL = 1_000
/** What light-dark() of style sheets and dialogs need. */
const BROWSERS = ['chrome123', 'firefox120', 'safari17.5']

/** Sources of the console alone, below the root; it shares pure rules with the server. */
export const consoleSources = () => [
  ...readdirSync(join(root, 'console'), { recursive: true, encoding: 'utf8' })
    .filter((path) => /\.(tsx?|css|html|svg|json)$/.test(path))
    .map((path) => join('console', path)),
  'scripts/console.mjs',
  'package-lock.json',
]

/**
 * Writes the console, with compressed twins of its files, into a folder that is not there yet.
 * @param {string} folder
 * @returns {Promise<string[]>} the files whose code is in it
 */
export async function buildConsole(folder) {
  const known = existsSync(kept) ? readdirSync(kept).filter((name) => name.endsWith('.json')) : []
  const builds = known.map((name) => JSON.parse(readFileSync(join(kept, name), 'utf8')))
  const { key, modules } = builds.find(({ key, inputs }) => key === keyOf(inputs)) ?? (await make())
  cpSync(join(kept, key), folder, { recursive: true })
  return modules.map((path) => join(root, path))
}

/** Tells a build by the contents of the files that it was made of, and of those that the console has by now. */
function keyOf(inputs) {
  const hash = createHash('sha256')
  for (const path of [...new Set([...inputs, ...consoleSources()])].sort()) {
    const file = join(root, path)
    hash.update(`${path}\n`).update(existsSync(file) ? readFileSync(file) : '')
  }
  return hash.digest('hex').slice(0, 32)
}

async function make() {
  process.stderr.write('Building the console\n')
  // Whatever began this build, such as a test: React is larger and slower otherwise.
  process.env.NODE_ENV = 'production'
  const { output } = await build({
    configFile: false,
    root: join(root, 'console'),
    // Its address is told by the page: the server may lie below any path.
    base: './',
    logLevel: 'warn',
    oxc: { jsx: { runtime: 'automatic' } },
    build: {
      write: false,
      target: BROWSERS,
      cssTarget: BROWSERS,
      // The policy of the page lets nothing in from within it.
      assetsInlineLimit: 0,
      modulePreload: { polyfill: false },
      rolldownOptions: {
        // 'use client' is for servers that draw pages.
        onwarn: (warning, warn) => warning.code === 'MODULE_LEVEL_DIRECTIVE' || warn(warning),
      },
    },
  })
  const modules = output
    .flatMap((file) => (file.type === 'chunk' ? file.moduleIds : []))
    .filter((id) => id.startsWith(root))
    .map((id) => relative(root, id.replace(/\?.*/, '')))
  const inputs = modules.filter((path) => !path.startsWith('node_modules'))
  const key = keyOf(inputs)
  mkdirSync(kept, { recursive: true })
  const half = join(kept, `.${process.pid}`)
  for (const { fileName, ...file } of output) write(join(half, fileName), file.code ?? file.source)
  rmSync(join(kept, key), { recursive: true, force: true })
  renameSync(half, join(kept, key))
  const made = { key, inputs, modules: [...new Set(modules)] }
  writeFileSync(join(kept, `${key}.json`), JSON.stringify(made))
  return made
}

function write(path, content) {
  const bytes = Buffer.from(content)
  mkdirSync(join(path, '..'), { recursive: true })
  writeFileSync(path, bytes)
  // The server writes into the page where it lies.
  if (bytes.length < SMALL || path.endsWith('.html')) return
  const params = { [constants.BROTLI_PARAM_SIZE_HINT]: bytes.length }
  writeFileSync(`${path}.br`, brotliCompressSync(bytes, { params }))
  writeFileSync(`${path}.gz`, gzipSync(bytes, { level: 9 }))
}
