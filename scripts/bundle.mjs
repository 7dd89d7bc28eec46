// Bundles the program: some files load faster than some thousand modules, by half a second of a start.
import { build } from 'rolldown'

/** What looks for files beside its own ones: native code, WebAssembly, pages. */
const EXTERNAL = [
  /^@electric-sql\/pglite/,
  '@fastify/static',
  '@fastify/swagger-ui',
  '@photostructure/sqlite',
  'fs-native-extensions',
]

/**
 * Writes entries, and what they load later, into a folder that lies in that of the package; all files lie beside each other.
 * @param {Record<string, string>} entries sources by the names of their bundles
 * @param {string} folder
 */
export const bundle = (entries, folder) =>
  build({
    input: entries,
    platform: 'node',
    external: EXTERNAL,
    transform: { target: 'node20' },
    output: { dir: folder, entryFileNames: '[name]', chunkFileNames: '[name]-[hash].js', sourcemap: true },
    logLevel: 'warn',
  })
