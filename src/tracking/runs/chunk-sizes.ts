// How many runs of a search are read at a time: as many as a megabyte holds, however much each run has.
import type { Run } from './schema.ts'

/** Characters of a chunk, about. Of one answer, two chunks are in memory. */
const CHUNK_TEXT = 1024 * 1024
const MOST_RUNS = 500
const LEAST_RUNS = 4
/** Chunks become larger step by step: runs that come next may hold more. */
const GROWTH = 4
/** Characters of a run before one was seen. */
const FIRST_GUESS = 50_000
const METRIC_TEXT = 80

export interface ChunkSize {
  /** Runs of the next chunk. */
  runs(): number
  note(chunk: readonly Run[]): void
}

/** Returns what begins a search: its first chunk is as large as the widest runs of the latest searches allow. */
export function createChunkSizes(): () => ChunkSize {
  let widest: number | undefined
  return () => {
    let size: number | undefined
    return {
      runs() {
        size ??= runsOf(widest ?? FIRST_GUESS)
        return size
      },
      note(chunk) {
        const width = textOf(chunk) / chunk.length
        widest = Math.max(width, (widest ?? 0) * 0.7)
        size = Math.min(runsOf(width), chunk.length * GROWTH)
      },
    }
  }
}

const runsOf = (width: number) => Math.min(MOST_RUNS, Math.max(LEAST_RUNS, Math.floor(CHUNK_TEXT / width)))

function textOf(runs: readonly Run[]): number {
  let text = 0
  for (const { data, inputs } of runs) {
    for (const { key, value } of data.params ?? []) text += key.length + value.length
    for (const { key, value } of data.tags ?? []) text += key.length + value.length
    text += METRIC_TEXT * (data.metrics?.length ?? 0)
    for (const { dataset } of inputs?.dataset_inputs ?? [])
      text += dataset.source.length + (dataset.schema?.length ?? 0) + (dataset.profile?.length ?? 0)
  }
  return text
}
