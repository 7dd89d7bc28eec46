// What a store takes on disk.
import { lstatSync, readdirSync } from 'node:fs'
import { join } from 'node:path'

const BLOCK = 512
/** What is in a contender's folder beside its store. */
const OTHERS = ['artifacts', 'server.log']

/** Bytes of the store in a contender's folder, and those of them that are its write-ahead log. */
export function sizeOf(folder) {
  const files = filesBelow(folder).filter(({ path }) => !OTHERS.includes(path[0]))
  const sum = (some) => some.reduce((total, { bytes }) => total + bytes, 0)
  const isWal = ({ path }) => path.includes('pg_wal') || path.at(-1).endsWith('-wal')
  return { storeBytes: sum(files), walBytes: sum(files.filter(isWal)) }
}

/** Files with their paths as lists of names. Files may go while they are counted. */
function filesBelow(folder, path = []) {
  return readdirSync(folder, { withFileTypes: true }).flatMap((entry) => {
    const inside = join(folder, entry.name)
    try {
      if (entry.isDirectory()) return filesBelow(inside, [...path, entry.name])
      return [{ path: [...path, entry.name], bytes: lstatSync(inside).blocks * BLOCK }]
    } catch {
      return []
    }
  })
}
