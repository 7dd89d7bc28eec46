// Why a web UI cannot be had, in words for the person who wants to see it.

/** Something outside of the program keeps the web UI away: no pip, no network, a damaged file. */
export class UiError extends Error {}

/** What a failing file system or child process means for the installation. */
export function explainFailure(error: unknown, folder: string): unknown {
  const code = (error as NodeJS.ErrnoException | undefined)?.code
  const options = { cause: error }
  if (code === 'ENOSPC' || code === 'EDQUOT') return new UiError(`The disk of ${folder} is full.`, options)
  if (code === 'EACCES' || code === 'EPERM' || code === 'EROFS') {
    return new UiError(`The folder ${folder} cannot be written. Name another with --ui-dir.`, options)
  }
  return error
}
