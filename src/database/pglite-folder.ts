// Makes the files of a new embedded database.
import { execFile } from 'node:child_process'
import { existsSync, mkdirSync, mkdtempSync, readdirSync, renameSync, rmSync } from 'node:fs'
import { createRequire } from 'node:module'
import { join, resolve } from 'node:path'
import { promisify } from 'node:util'

/** Begins the names of folders in which a database is being made. */
const DRAFT = 'new-'
/** A folder that has this file holds a whole database. */
const LAST_FILE = 'PG_VERSION'

const MAKE = `
const { PGlite } = require(process.argv[1])
const store = new PGlite(process.argv[2])
store.waitReady.then(() => store.close())
`

/**
 * Makes a database in the folder unless there is one. That happens in a process of its own, since it takes some
 * 500 MiB of memory that a process never gives back, and in a folder of its own, so that what a crash leaves is
 * never taken for a database.
 * @throws Error when the process failed, for instance when the disk is full
 */
export async function makeDatabase(folder: string): Promise<void> {
  if (existsSync(join(folder, LAST_FILE))) return
  mkdirSync(folder, { recursive: true })
  for (const name of readdirSync(folder)) {
    // The process that made it may outlive its server for some seconds and still write to it.
    if (name.startsWith(DRAFT))
      rmSync(join(folder, name), { recursive: true, maxRetries: 10, retryDelay: 100 })
  }
  const draft = mkdtempSync(join(resolve(folder), DRAFT))
  const module = createRequire(import.meta.url).resolve('@electric-sql/pglite')
  try {
    await promisify(execFile)(process.execPath, ['--eval', MAKE, module, draft])
  } catch (error) {
    throw new Error(
      `No database can be made in ${folder}: ${String((error as { stderr?: string }).stderr).trim()}`,
      {
        cause: error,
      },
    )
  }
  const names = readdirSync(draft).filter((name) => name !== LAST_FILE)
  for (const name of [...names, LAST_FILE]) {
    rmSync(join(folder, name), { recursive: true, force: true })
    renameSync(join(draft, name), join(folder, name))
  }
  rmSync(draft, { recursive: true })
}
