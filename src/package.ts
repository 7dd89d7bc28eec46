// Where the package lies, whose files the program reads: of the sources and of the bundle, whose files all lie in `dist/`.
import { readFileSync } from 'node:fs'
import { relative } from 'node:path'

export const PACKAGE = new URL('../', import.meta.url)

const program = process.argv[1] ?? ''
const [shortest = ''] = [program, relative(process.cwd(), program)].sort((a, b) => a.length - b.length)

/** How whoever reads a text of this program has started it, and can start another command of it. */
export const COMMAND = /\.[jt]s$/.test(program) ? `node ${shortest}` : 'crateflow'

/** Of this program, such as `0.1.0`. */
export function packageVersion(): string {
  const manifest = readFileSync(new URL('package.json', PACKAGE), 'utf8')
  return (JSON.parse(manifest) as { version: string }).version
}
