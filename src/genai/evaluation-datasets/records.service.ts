// MLflow's rules for the records of evaluation datasets: merging, pages, deletion.
import { randomUUID } from 'node:crypto'
import { setImmediate } from 'node:timers/promises'
import { invalidParameter, unavailable } from '../../errors.ts'
import type { Engine } from '../../platform/database/engine.ts'
import { createTurns } from '../../platform/turns.ts'
import type { Clock } from '../../platform/wire/ids.ts'
import { listItems } from '../../platform/wire/json-size.ts'
import { datasetNotFound, digestOf } from './datasets.ts'
import { extendSchema, noFields, noteFields, type RecordFields } from './record-fields.ts'
import * as recordsStore from './records.store.ts'
import {
  encodePlace,
  mergeRecord,
  parseRecord,
  type RecordInput,
  readPlace,
  readRecord,
  recordToJson,
} from './records.ts'
import * as store from './store.ts'
import type { EvaluationDatasetRow } from './tables.ts'

const DEFAULT_PAGE_SIZE = 1000
/** Characters of records in an answer; a page that has as many ends there. */
const MAX_PAGE_TEXT = 32 * 1024 * 1024
/** Records of the first read of a page, and characters that a further one should bring. */
const FIRST_READ = 10
const READ_TEXT = 4 * 1024 * 1024
const READ_AT_MOST = 1000

/** Records of one request: as many small ones as a body has room for would take all memory. */
const MAX_RECORDS = 500_000
/** Records that are checked in one go, and that one statement writes. */
const CHECKED_AT_ONCE = 500
const WRITTEN_AT_ONCE = 1000
/** How often a change is made again while others change the same. */
const MAX_REPEATS = 50

interface Batch {
  inputs: RecordInput[]
  fields: RecordFields
  /** The last user that a record names. */
  user: string | null
}

export type DatasetRecordService = ReturnType<typeof createDatasetRecordService>

export function createDatasetRecordService({ engine, clock }: { engine: Engine; clock: Clock }) {
  /** One change of a dataset goes after the other within this server; other servers are told by the rows. */
  const inTurn = createTurns<number>()

  /**
   * Merges records into the dataset by their inputs: a record that is new is added, one that is there gets the outputs,
   * expectations and tags of the new one. The whole request is checked before its first row is written.
   * @param json a list of records
   * @throws RESOURCE_DOES_NOT_EXIST, INVALID_PARAMETER_VALUE
   * @see mlflow/store/tracking/sqlalchemy_store.py upsert_dataset_records
   */
  async function upsert(datasetId: string, json: string): Promise<{ inserted: number; updated: number }> {
    if (!(await store.findDataset(engine, datasetId))) throw datasetNotFound(datasetId)
    const nowMs = clock.now()
    const batch = await readBatch(datasetId, json)
    const inserted = await inTurn(datasetId, () => merge(datasetId, batch, nowMs))
    return { inserted, updated: batch.inputs.length - inserted }
  }

  /** @returns how many records were new */
  async function merge(datasetId: string, batch: Batch, nowMs: number): Promise<number> {
    const groups = [...groupById(batch.inputs).values()]
    let inserted = 0
    for (let start = 0; start < groups.length; start += WRITTEN_AT_ONCE) {
      inserted += await write(datasetId, groups.slice(start, start + WRITTEN_AT_ONCE), nowMs)
    }
    const isThere = await settle(datasetId, (row, count) => ({
      schema: extendSchema(row.schema, batch.fields),
      numRecords: count > 0 ? count : row.numRecords,
      digest: digestOf(row.name, nowMs),
      lastUpdateTimeMs: nowMs,
      lastUpdatedBy: batch.user,
    }))
    if (isThere) return inserted
    // It was deleted meanwhile, maybe before the last of its records came.
    await store.removeContents(engine, datasetId)
    throw datasetNotFound(datasetId)
  }

  /** Writes records, each group under one id, however many change the same ones. @returns how many were new */
  async function write(datasetId: string, groups: RecordInput[][], nowMs: number): Promise<number> {
    let open = groups
    let inserted = 0
    for (let repeat = 0; open.length > 0; repeat++) {
      if (repeat === MAX_REPEATS) throw changedByOthers()
      const writeId = randomUUID()
      const ids = open.map(([first]) => (first as RecordInput).recordId)
      const stored = await recordsStore.findRecords(engine, datasetId, ids)
      const rows = open.map((group, i) =>
        mergeRecord(stored.get(ids[i] as string), group, { datasetId, nowMs, writeId }),
      )
      const held = await recordsStore.writeRecords(engine, rows, writeId)
      inserted += ids.filter((id) => held.has(id) && !stored.has(id)).length
      open = open.filter((_group, i) => !held.has(ids[i] as string))
    }
    return inserted
  }

  /**
   * Brings the dataset in line with its records. Whoever has changed some counts all of them afterwards, and again when
   * another was faster, so that the last count knows every change.
   * @returns whether there is such a dataset
   */
  async function settle(
    datasetId: string,
    change: (row: EvaluationDatasetRow, count: number) => store.DatasetChanges,
  ): Promise<boolean> {
    for (let repeat = 0; repeat < MAX_REPEATS; repeat++) {
      const row = await store.findDataset(engine, datasetId)
      if (!row) return false
      const count = await recordsStore.countRecords(engine, datasetId)
      const changes = { ...change(row, count), writeId: randomUUID() }
      if (await store.changeDataset(engine, row, changes)) return true
    }
    throw changedByOthers()
  }

  /**
   * A page of records as the text of a JSON list, the first that were made first. It holds fewer than asked for when
   * they are large. None for a dataset that is not there.
   * @throws INVALID_PARAMETER_VALUE
   * @see mlflow/server/handlers.py _get_dataset_records_handler
   */
  async function list(
    datasetId: string,
    input: { max_results?: number | undefined; page_token?: string | undefined },
  ): Promise<{ records: string; nextPageToken: string | undefined }> {
    const pageSize = input.max_results || DEFAULT_PAGE_SIZE
    if (pageSize < 0) {
      throw invalidParameter(
        `Invalid value ${pageSize} for parameter 'max_results' supplied. It must be a positive integer`,
      )
    }
    let { after, offset } = readPlace(input.page_token)
    if (!(await store.findDataset(engine, datasetId))) return { records: '[]', nextPageToken: undefined }
    await recordsStore.refreshRecords(engine)
    const texts: string[] = []
    const answer = () => `[${texts.join(', ')}]`
    let size = 0
    let wanted = FIRST_READ
    while (texts.length < pageSize && size < MAX_PAGE_TEXT) {
      const limit = Math.min(wanted, pageSize - texts.length)
      const rows = await recordsStore.listRecords(engine, datasetId, { after, offset, limit: limit + 1 })
      for (const row of rows.slice(0, limit)) {
        const text = recordToJson(row)
        texts.push(text)
        size += text.length
        after = row.place
      }
      offset = 0
      if (rows.length <= limit) return { records: answer(), nextPageToken: undefined }
      wanted = Math.max(1, Math.min(READ_AT_MOST, Math.floor((READ_TEXT * texts.length) / size)))
    }
    return { records: answer(), nextPageToken: encodePlace(after ?? '') }
  }

  /**
   * Deletes records; ids that the dataset has not are passed over.
   * @returns how many there were
   * @see mlflow/store/tracking/sqlalchemy_store.py delete_dataset_records
   */
  const deleteRecords = (datasetId: string, recordIds: string[]): Promise<number> =>
    inTurn(datasetId, async () => {
      const deleted = await recordsStore.deleteRecords(engine, datasetId, recordIds)
      if (deleted > 0) await settle(datasetId, (_row, count) => ({ numRecords: count }))
      return deleted
    })

  return { upsert, list, delete: deleteRecords }
}

const changedByOthers = () => unavailable('The records are being changed by others. Please retry.')

/** Reads and checks all records, in turns with other requests. */
async function readBatch(datasetId: string, json: string): Promise<Batch> {
  const batch: Batch = { inputs: [], fields: noFields(), user: null }
  for (const item of listItems(json, "Parameter 'records'")) {
    if (batch.inputs.length === MAX_RECORDS) {
      throw invalidParameter(`A request may have at most ${MAX_RECORDS} records.`)
    }
    const record = parseRecord(item)
    const input = readRecord(datasetId, record)
    noteFields(batch.fields, record)
    if (input.user !== undefined) batch.user = input.user
    batch.inputs.push(input)
    if (batch.inputs.length % CHECKED_AT_ONCE === 0) await setImmediate()
  }
  return batch
}

/** Records by their ids, in the order of the ids: servers that write the same rows at once must lock them in one order. */
function groupById(inputs: readonly RecordInput[]): Map<string, RecordInput[]> {
  const groups = new Map<string, RecordInput[]>()
  for (const input of inputs) {
    const group = groups.get(input.recordId)
    if (group) group.push(input)
    else groups.set(input.recordId, [input])
  }
  return new Map([...groups].sort(([a], [b]) => (a < b ? -1 : 1)))
}
