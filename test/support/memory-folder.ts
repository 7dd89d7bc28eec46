// Where temporary files of tests go: databases sync every write, which takes a disk milliseconds and memory nothing.
import { existsSync, mkdirSync, readdirSync, rmSync, statfsSync } from 'node:fs'
import { freemem } from 'node:os'
import { join } from 'node:path'

const MEMORY = '/dev/shm'
const PREFIX = 'crateflow-tests-'
const GIB = 1024 ** 3
/** What a run of all tests writes, and what its programs need beside. */
const ENOUGH_BYTES = 8 * GIB

/**
 * Makes a folder of this process in memory, if there is room enough; what killed runs have left there is removed.
 * @returns undefined where the system's folder has to do
 */
export function makeMemoryFolder(): string | undefined {
  if (!existsSync(MEMORY)) return undefined
  for (const name of readdirSync(MEMORY)) {
    const isDead = name.startsWith(PREFIX) && !existsSync(`/proc/${name.slice(PREFIX.length)}`)
    if (isDead) removeFolder(join(MEMORY, name))
  }
  const { bavail, bsize } = statfsSync(MEMORY)
  if (bavail * bsize < ENOUGH_BYTES || freemem() < 2 * ENOUGH_BYTES) return undefined
  const folder = `${join(MEMORY, PREFIX)}${process.pid}`
  mkdirSync(folder, { recursive: true })
  return folder
}

export const removeMemoryFolder = (): void => removeFolder(`${join(MEMORY, PREFIX)}${process.pid}`)

/** A server that a killed run left behind may still write: what cannot be removed is left to the next run. */
function removeFolder(folder: string): void {
  try {
    rmSync(folder, { recursive: true, force: true })
  } catch (error) {
    console.warn(`${folder} is left: ${error}`)
  }
}
