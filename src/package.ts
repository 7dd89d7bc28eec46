// Where the package lies, whose files the program reads: of the sources and of the bundle, whose files all lie in `dist/`.
import { relative } from 'node:path'

export const PACKAGE = new URL('../', import.meta.url)

const program = process.argv[1] ?? ''
const [shortest = ''] = [program, relative(process.cwd(), program)].sort((a, b) => a.length - b.length)

/** How whoever reads a text of this program has started it, and can start another command of it. */
export const COMMAND = /\.[jt]s$/.test(program) ? `node ${shortest}` : 'crateflow'
