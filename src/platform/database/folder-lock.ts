// Keeps two processes from opening one embedded store, wherever they run: the kernel holds the lock for its owner.
import { closeSync, ftruncateSync, openSync, readFileSync, writeSync } from 'node:fs'
import { hostname } from 'node:os'
import { join } from 'node:path'
import { MlflowError } from '../../errors.ts'

/** In the folder itself: it may be all that containers share. */
export const LOCK_FILE = 'crateflow.lock'

/**
 * Takes the folder's lock, which ends with its owner, even one that is killed. Processes in other containers of the machine see
 * it, and those of other machines where the file system passes locks on, as NFS does.
 * @returns releases the lock
 * @throws INVALID_STATE while another process holds it
 */
export async function lockFolder(folder: string): Promise<() => void> {
  const { tryLock } = await import('fs-native-extensions')
  const file = join(folder, LOCK_FILE)
  const fd = openSync(file, 'a+')
  try {
    if (!tryLock(fd)) {
      const owner = readFileSync(file, 'utf8').trim()
      throw new MlflowError(
        'INVALID_STATE',
        `The store ${folder} is in use by ${owner || 'another process'}. End that one, or name another folder: --backend-store-uri pglite:<folder>.`,
      )
    }
    ftruncateSync(fd)
    writeSync(fd, `process ${process.pid} on ${hostname()}\n`)
  } catch (error) {
    closeSync(fd)
    throw error
  }
  // The file stays: who removed it could remove the lock of the next one.
  return () => closeSync(fd)
}
