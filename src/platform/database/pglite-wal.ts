// Syncs the write-ahead log of the embedded database beside its thread, which goes on meanwhile.
import { close, fdatasync, open } from 'node:fs'
import { basename, join } from 'node:path'
import { promisify } from 'node:util'
import { isSynced, noteSynced } from './pglite-control.mjs'

/** A sync that was put off: its number, and the log's file below the root of PGlite's file system. */
export interface WalDue {
  asked: number
  path: string
}

export interface WalSync {
  /** Resolves when the log is safe up to the put-off sync; calls come in the order of the numbers. */
  when(due: WalDue): Promise<void>
  close(): void
}

const openFile = promisify(open)
const syncData = promisify(fdatasync)

/** Whoever comes while a sync is in flight shares the next one. */
export function createWalSync(folder: string, control: Int32Array): WalSync {
  let file: { path: string; fd: number } | undefined
  let inFlight: Promise<void> = Promise.resolve()
  let next: { due: WalDue; done: Promise<void> } | undefined

  const isSafe = ({ asked }: WalDue) => isSynced(control, asked)

  async function fileOf({ path }: WalDue): Promise<number> {
    if (file?.path !== path) {
      closeFile()
      file = { path, fd: await openFile(join(folder, 'pg_wal', basename(path)), 'r+') }
    }
    return file.fd
  }

  function closeFile(): void {
    if (file) close(file.fd, () => {})
    file = undefined
  }

  async function run(due: WalDue): Promise<void> {
    if (isSafe(due)) return
    try {
      await syncData(await fileOf(due))
    } catch (error) {
      // The thread has synced a file before it gives it another name or closes it.
      if (isSafe(due)) return
      throw error
    }
    noteSynced(control, due.asked)
  }

  return {
    when(due) {
      if (next) {
        next.due = due
        return next.done
      }
      const mine: { due: WalDue; done: Promise<void> } = { due, done: Promise.resolve() }
      mine.done = inFlight.then(() => {
        next = undefined
        const running = run(mine.due)
        inFlight = running.catch(() => {})
        return running
      })
      next = mine
      return mine.done
    },
    close: closeFile,
  }
}
