// Where artifacts are, there and here: locations below an experiment's own, under the root of the store that is moved into.
import { appendToUriPath } from '../platform/wire/uri.ts'
import { FAMILIES, type Family, type MovedTable, type Row } from './families.store.ts'
import type { Source } from './source.ts'

/** One experiment's artifacts: all that lies below `from` comes below `to`. */
export interface Relocation {
  experimentId: string
  from: string
  to: string
}

/** The trace's tag that names its location. @see mlflow/tracing/constant.py */
const LOCATION_TAG = 'mlflow.artifactLocation'

/** What is relocated: every experiment that has a location, below `root`. */
export async function relocationsOf(source: Source, root: string): Promise<Relocation[]> {
  const [family] = FAMILIES
  const relocations: Relocation[] = []
  for await (const { parents } of source.chunks(family)) {
    for (const { experimentId, artifactLocation } of parents) {
      if (typeof artifactLocation !== 'string' || artifactLocation === '') continue
      const id = String(experimentId)
      relocations.push({ experimentId: id, from: artifactLocation, to: appendToUriPath(root, id) })
    }
  }
  return relocations
}

/** Properties that hold locations, by table. */
const LOCATIONS: Record<string, string[]> = {
  experiments: ['artifactLocation'],
  runs: ['artifactUri'],
  logged_models: ['artifactLocation'],
  model_versions: ['source', 'storageLocation'],
}

/** The source with every location as it is after the move. */
export function relocated(source: Source, relocations: readonly Relocation[]): Source {
  const relocate = createRelocator(relocations)
  const change =
    (table: MovedTable) =>
    (row: Row): Row => {
      if (table.name === 'trace_tags' && row.key === LOCATION_TAG)
        return { ...row, value: relocate(String(row.value)) }
      const changed: Row = { ...row }
      for (const property of LOCATIONS[table.name] ?? []) {
        const value = row[property]
        if (typeof value === 'string') changed[property] = relocate(value)
      }
      return changed
    }
  return {
    ...source,
    async *chunks(family: Family) {
      for await (const chunk of source.chunks(family)) {
        yield {
          parents: chunk.parents.map(change(family.parent)),
          async *rows(table, ids) {
            const isTouched = table.name === 'trace_tags' || LOCATIONS[table.name] !== undefined
            for await (const rows of chunk.rows(table, ids)) yield isTouched ? rows.map(change(table)) : rows
          },
        }
      }
    },
  }
}

/** Locations below one that is relocated, however deep; every other one stays as it is. */
function createRelocator(relocations: readonly Relocation[]): (location: string) => string {
  const targets = new Map(relocations.map(({ from, to }) => [trimmed(from), to]))
  return (location) => {
    for (let end = location.length; end > 0; end = location.lastIndexOf('/', end - 1)) {
      const target = targets.get(trimmed(location.slice(0, end)))
      if (target !== undefined) return `${target}${location.slice(end)}`
    }
    return location
  }
}

const trimmed = (location: string) => location.replace(/\/+$/, '')
