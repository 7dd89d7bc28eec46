// @ts-check
// Makes the files of a new embedded database: a copy of a template that the build has made, or by PostgreSQL's initdb.

import { execFileSync } from 'node:child_process'
import {
  chmodSync,
  constants,
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
} from 'node:fs'
import { open } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { dirname, join, resolve } from 'node:path'

/** Begins the names of folders in which a database is being made. */
const DRAFT = 'new-'
/** What a folder may hold that is taken for an empty one: files of a store that a crash left half made, hidden ones, artifacts. */
const OUR_OWN =
  /^(new-|\.|lost\+found$|crateflow\.lock$|artifacts$|pg_|base$|global$|postgresql\.|postmaster\.)/
/** A folder that has this file holds a whole database. */
const LAST_FILE = 'PG_VERSION'
/**
 * PostgreSQL's lock of the folder. It refuses to start when that is empty, as a crash may leave it, and would keep nobody out: all
 * of PGlite's processes have the same id.
 */
const POSTGRES_LOCK = 'postmaster.pid'
/** Files that are synced at once. */
const SYNCS_AT_ONCE = 4

/** The template that `npm run build` leaves beside the program: a database with all tables, closed in order. */
export const TEMPLATE = join(import.meta.dirname, 'template')
/** Beside a template, the paths of its empty folders as JSON: packages of npm hold none, and PostgreSQL does not start without them. */
export const EMPTY_FOLDERS = '.folders.json'

const MAKE = `
const { PGlite } = require(process.argv[1])
const store = new PGlite(process.argv[2])
store.waitReady.then(() => store.close())
`

/**
 * Makes a folder and those above it that are missing; their names are on the disk afterwards.
 * @param {string} folder
 */
export async function makeFolder(folder) {
  const whole = resolve(folder)
  /** @type {string[]} */
  const missing = []
  for (let path = whole; !existsSync(path); path = dirname(path)) missing.unshift(path)
  // One by one: where no folder can be made, as in /proc, Node.js would try to make all of them for ever.
  for (const path of missing) {
    if (existsSync(path)) continue
    mkdirSync(path)
    await syncPath(dirname(path))
  }
  if (!statSync(whole).isDirectory()) throw new Error(`EEXIST: ${whole} is no folder`)
}

/**
 * Whether the folder holds a whole database.
 * @param {string} folder which need not be there
 */
export const holdsDatabase = (folder) => existsSync(join(folder, LAST_FILE))

/**
 * Refuses a folder that holds something else, into whose files those of a store would be mixed.
 * @param {string} folder
 * @throws Error
 */
export function refuseForeignFolder(folder) {
  if (holdsDatabase(folder)) return
  const names = readdirSync(folder).filter((name) => !OUR_OWN.test(name))
  if (names.length === 0) return
  const found = names.slice(0, 3).join(', ')
  throw new Error(`${resolve(folder)} is not empty (${found}), and no store: name a folder of its own`)
}

/**
 * Makes a database in the folder unless there is one, as a copy of the template if it may be one and there is one. That happens in a
 * folder of its own, so that what a crash leaves is never taken for a database; when this is done, it is on the disk. A
 * database that is there may be started afterwards, whatever its last end was.
 * @param {string} folder
 * @param {string | undefined} template
 * @throws Error when it failed, for instance when the disk is full
 */
export async function makeDatabase(folder, template) {
  if (holdsDatabase(folder)) {
    rmSync(join(folder, POSTGRES_LOCK), { force: true })
    return
  }
  for (const name of readdirSync(folder)) {
    // The process that made it may outlive its server for some seconds and still write to it.
    if (name.startsWith(DRAFT))
      rmSync(join(folder, name), { recursive: true, maxRetries: 10, retryDelay: 100 })
  }
  const draft = mkdtempSync(join(resolve(folder), DRAFT))
  if (template && holdsDatabase(template)) {
    cpSync(template, draft, { recursive: true, mode: constants.COPYFILE_FICLONE })
    for (const path of JSON.parse(readFileSync(template + EMPTY_FOLDERS, 'utf8')))
      mkdirSync(join(draft, path), { recursive: true })
  } else makeByInitdb(folder, draft)
  await settleTree(draft)
  const names = readdirSync(draft).filter((name) => name !== LAST_FILE)
  for (const name of names) {
    rmSync(join(folder, name), { recursive: true, force: true })
    renameSync(join(draft, name), join(folder, name))
  }
  await syncPath(folder)
  renameSync(join(draft, LAST_FILE), join(folder, LAST_FILE))
  rmSync(draft, { recursive: true })
  await syncPath(folder)
  await syncPath(dirname(resolve(folder)))
}

/**
 * In a process of its own, since it takes some 500 MiB of memory that a process never gives back.
 * @param {string} folder
 * @param {string} draft
 */
function makeByInitdb(folder, draft) {
  const module = createRequire(import.meta.url).resolve('@electric-sql/pglite')
  try {
    execFileSync(process.execPath, ['--eval', MAKE, module, draft], { stdio: ['ignore', 'ignore', 'pipe'] })
  } catch (error) {
    const { stderr } = /** @type {{ stderr?: Buffer }} */ (error)
    throw new Error(`No database can be made in ${folder}: ${String(stderr).trim()}`, { cause: error })
  }
}

/**
 * Takes the files from everybody but the owner, and syncs them and their folders.
 * @param {string} folder
 */
async function settleTree(folder) {
  const rest = readdirSync(folder, { recursive: true, withFileTypes: true }).values()
  const work = async () => {
    for (const entry of rest) {
      const path = join(entry.parentPath, entry.name)
      chmodSync(path, entry.isDirectory() ? 0o700 : 0o600)
      await syncPath(path)
    }
  }
  await Promise.all(Array.from({ length: SYNCS_AT_ONCE }, work))
  await syncPath(folder)
}

/** @param {string} path */
async function syncPath(path) {
  /** @type {Awaited<ReturnType<typeof open>>} */
  let file
  try {
    file = await open(path, 'r')
  } catch (error) {
    // Windows opens no folders, and needs no sync of them.
    if (process.platform === 'win32') return
    throw error
  }
  try {
    await file.sync()
  } catch (error) {
    // Windows syncs no file that is open for reading only.
    if (process.platform !== 'win32') throw error
  } finally {
    await file.close()
  }
}
