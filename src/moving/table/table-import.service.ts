// Takes rows of a user's table into a store, page by page: a run for each, and a version of a registered model.
//
// Ids of runs follow from the keys of rows. All that belongs to a row is written in an order in which it may break off anywhere:
// the last thing is the tag with the digest of the row, and a row whose tag says the same is done. Versions are known by a
// uid that follows from the run, so one that a killed import has numbered is found again.
import type { Progress } from '../progress.ts'
import type { Mapping } from './mapping.ts'
import { createPageWriter, type PageWriterDeps } from './page-writer.service.ts'
import { beginImport, findMark, type TableProgress } from './progress.store.ts'
import type { Page, TableReader } from './table-reader.ts'
import type { TableReport } from './table-report.ts'
import { keyOf, RefusedRow, type Rules, readRow, type TrainedModel } from './trained-model.ts'

export interface TableImportDeps extends PageWriterDeps {
  reader: TableReader
  mapping: Mapping
  rules: Rules
  report: TableReport
  progress: Progress
  /** Reads all rows, whatever an import before has read. */
  readsAll: boolean
}

/** What tells the table from others in the store. */
export const nameOf = ({ name, table }: Mapping): string =>
  name ?? (table.schema === undefined ? table.table : `${table.schema}.${table.table}`)

/**
 * Imports what is new or changed since the last time. May be ended at any time and begun anew.
 * @throws MappingError when the key does not tell rows apart; Error when another import of the table takes over
 */
export async function importTable(deps: TableImportDeps): Promise<void> {
  const { engine, reader, mapping, report, progress, rules, readsAll } = deps
  const name = nameOf(mapping)
  const repeated = await reader.repeatedKeys()
  if (repeated.length > 0) {
    const keys = repeated.map((row) => keyOf(row, mapping.key)).join('; ')
    throw mapping.mistake(['key'], `several rows have the same key: ${keys}`)
  }
  const own: TableProgress | undefined = report.isDryRun ? undefined : await beginImport(engine, name)
  const before = own ? own.mark : await findMark(engine, name)
  const from = readsAll || mapping.high_water === undefined ? undefined : before
  const writer = createPageWriter(deps)
  const ofTable = { ...rules, hasTimes: reader.hasTimes }
  await writer.begin()
  // A row that is not taken now is read again the next time, so no mark passes it.
  let held = false
  for await (const page of reader.pages(from)) {
    await own?.requireOwn()
    const refusedBefore = report.refused()
    const firstRefused = await takePage(page)
    const isRefused = report.refused() > refusedBefore
    const last = isRefused ? page.marks[firstRefused] : page.marks.at(-1)
    if (!held && last !== undefined) await own?.save(last)
    held ||= isRefused
    progress.show()
  }
  await tellWithoutKey()

  /** @returns the place of the first row that was not taken */
  async function takePage({ rows }: Page): Promise<number> {
    const models: { model: TrainedModel; at: number }[] = []
    let first = rows.length
    const refuse = (key: string, at: number, why: string) => {
      report.refuse(key, why)
      first = Math.min(first, at)
    }
    for (const [at, row] of rows.entries()) {
      try {
        models.push({ model: readRow(row, mapping, name, ofTable), at })
      } catch (error) {
        if (!(error instanceof RefusedRow)) throw error
        refuse(keyOf(row, mapping.key), at, error.message)
      }
    }
    const places = new Map(models.map(({ model, at }) => [model, at]))
    await writer.write(
      models.map(({ model }) => model),
      (model, why) => refuse(model.key, places.get(model) ?? 0, why),
    )
    report.read += rows.length
    progress.add({ name: 'rows' }, rows.length)
    return first
  }

  async function tellWithoutKey(): Promise<void> {
    const { rows, keys } = await reader.withoutKey()
    report.read += rows
    const order = [...new Set([...mapping.key, ...(mapping.high_water ? [mapping.high_water] : [])])]
    for (let i = 0; i < rows; i++) {
      const row = keys[i]
      report.refuse(row ? keyOf(row, order) : '', 'A column of the key, or the high-water column, is NULL.')
    }
  }
}
