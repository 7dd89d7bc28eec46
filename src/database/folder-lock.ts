// Keeps two processes from opening one embedded store: a lock file holding the owner's process id.
import { linkSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { dirname, resolve } from 'node:path'
import { MlflowError } from '../errors.ts'

/** Locks held by this very process; its own id in a lock file may stem from an earlier life (containers). */
const held = new Set<string>()

/**
 * Takes the lock beside `folder`; a lock whose process is gone (kill -9) is taken over.
 * @returns releases the lock
 * @throws INVALID_STATE while another living process holds it
 */
export function lockFolder(folder: string): () => void {
  const file = `${resolve(folder)}.lock`
  mkdirSync(dirname(file), { recursive: true })
  for (let attempt = 0; attempt < 10; attempt++) {
    if (tryCreate(file)) {
      held.add(file)
      return () => {
        held.delete(file)
        rmSync(file, { force: true })
      }
    }
    const owner = ownerOf(file)
    if (owner === undefined) continue
    if (isAlive(owner, file)) {
      throw new MlflowError('INVALID_STATE', `The store ${folder} is in use by process ${owner}.`)
    }
    removeStale(file, owner)
  }
  throw new MlflowError('INVALID_STATE', `The store ${folder} is being opened by another process.`)
}

/** Creates the file with its content in one step: a lock file is never seen empty. */
function tryCreate(file: string): boolean {
  const draft = `${file}.${process.pid}`
  writeFileSync(draft, `${process.pid}\n`)
  try {
    linkSync(draft, file)
    return true
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false
    throw error
  } finally {
    rmSync(draft, { force: true })
  }
}

/** Moves a dead owner's lock away; if another process was faster, its lock is put back. */
function removeStale(file: string, owner: number): void {
  const aside = `${file}.stale.${process.pid}`
  try {
    renameSync(file, aside)
    if (ownerOf(aside) !== owner) linkSync(aside, file)
  } catch {
    // Another process is taking the same lock over; the next attempt sees what it did.
  } finally {
    rmSync(aside, { force: true })
  }
}

function ownerOf(file: string): number | undefined {
  try {
    const pid = Number.parseInt(readFileSync(file, 'utf8'), 10)
    return Number.isInteger(pid) ? pid : undefined
  } catch {
    return undefined
  }
}

function isAlive(pid: number, file: string): boolean {
  if (pid === process.pid) return held.has(file)
  try {
    process.kill(pid, 0)
    return true
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM'
  }
}
