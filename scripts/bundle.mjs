// Bundles the program: some files load faster than some thousand modules, by half a second of a start, and installing the package
// brings only what cannot be bundled.
import { cpSync, readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { build } from 'rolldown'

const root = join(import.meta.dirname, '..')
const { dependencies } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'))

/** Dependencies are what looks for files beside its own ones: native code, WebAssembly. All else that is used is bundled. */
const external = Object.keys(dependencies).map((name) => new RegExp(`^${name}(/|$)`))

/**
 * Writes entries, what they load later, and the pages of the API's description into a folder that lies in that of the package; all
 * bundles lie beside each other.
 * @param {Record<string, string>} entries sources by the names of their bundles
 * @param {string} folder
 * @returns the files whose code is in the bundles
 */
export async function bundle(entries, folder) {
  const { output } = await build({
    input: entries,
    platform: 'node',
    external,
    transform: { target: 'node20' },
    output: { dir: folder, entryFileNames: '[name]', chunkFileNames: '[name]-[hash].js', sourcemap: true },
    logLevel: 'warn',
  })
  const pages = join(dirname(createRequire(import.meta.url).resolve('@fastify/swagger-ui')), 'static')
  cpSync(pages, join(folder, 'swagger-ui'), { recursive: true })
  return output.flatMap((file) => (file.type === 'chunk' ? file.moduleIds : []))
}
