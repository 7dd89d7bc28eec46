// Where the built console lies: beside the bundled program, and in dist/ for whoever runs the sources.
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join, posix, sep } from 'node:path'
import { fileURLToPath } from 'node:url'
import { PACKAGE } from '../../package.ts'

export interface ConsoleFolder {
  /** Absolute. */
  path: string
  /** What is served besides the page, as paths with `/`; no compressed twins. */
  files: ReadonlySet<string>
  /** The page, whose addresses are relative to a base that it does not name. */
  page: string
}

const path = join(fileURLToPath(PACKAGE), 'dist/console')

/** Whether somebody has built it. */
export const hasConsole = (): boolean => existsSync(join(path, 'index.html'))

/** Undefined where nobody has built it. */
export function openConsole(): ConsoleFolder | undefined {
  if (!hasConsole()) return undefined
  const files = readdirSync(path, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && !/\.(html|br|gz)$/.test(entry.name))
    .map((entry) => join(entry.parentPath, entry.name).slice(path.length + 1))
  return {
    path,
    files: new Set(files.map((file) => file.split(sep).join(posix.sep))),
    page: readFileSync(join(path, 'index.html'), 'utf8'),
  }
}
