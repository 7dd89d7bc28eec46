// What web UI a running server has at the moment: one that is there, one that is on its way, or none.
import { installedUi, type UiFolder } from './folder.ts'

export type UiState =
  | { kind: 'ready'; folder: UiFolder }
  | { kind: 'fetching' }
  /** `reason` is a sentence for people. */
  | { kind: 'unavailable'; reason: string }

export interface UiSource {
  current: () => Promise<UiState>
}

/** A UI that is there from the start. */
export const fixedUi = (folder: UiFolder): UiSource => ({
  current: async () => ({ kind: 'ready', folder }),
})

/**
 * A UI that someone installs while the server runs: this process, another worker, or a person on the command line.
 * @param path where it will lie
 * @param speaks the MLflow version of this server
 * @param failure why it could not be fetched; undefined while there is hope
 */
export function awaitedUi(path: string, speaks: string, failure: () => string | undefined): UiSource {
  let found: UiFolder | undefined
  return {
    async current() {
      found ??= await installedUi(path, speaks)
      if (found) return { kind: 'ready', folder: found }
      const reason = failure()
      return reason === undefined ? { kind: 'fetching' } : { kind: 'unavailable', reason }
    },
  }
}
