// MLflow's rules for evaluation datasets: tags, experiments, search. Their records are in records.service.ts.
import { randomUUID } from 'node:crypto'
import { doesNotExist, invalidParameter } from '../../errors.ts'
import type { Engine } from '../../platform/database/engine.ts'
import type { Clock } from '../../platform/wire/ids.ts'
import { parseInt64 } from '../../platform/wire/int64.ts'
import { checkLength } from '../../platform/wire/names.ts'
import { pageOf } from '../../platform/wire/page-token.ts'
import { checkMaxResults } from '../../platform/wire/paging.ts'
import { datasetNotFound, datasetToWire, digestOf } from './datasets.ts'
import type { EvaluationDataset } from './schema.ts'
import { searchDatasetRows } from './search.store.ts'
import { parseDatasetFilter, parseDatasetOrderBy } from './search.ts'
import * as store from './store.ts'
import type { EvaluationDatasetRow } from './tables.ts'
import { readNewTags, readTags, readUser, USER_TAG } from './tags.ts'

const DEFAULT_PAGE_SIZE = 1000
/** Widths of MLflow's columns, in characters. */
const MAX_NAME_LENGTH = 255
const MAX_EXPERIMENT_ID_LENGTH = 36

export interface EvaluationDatasetServiceDeps {
  engine: Engine
  clock: Clock
  /** The experiments of these ids, deleted or not, by id; what is not there is left out. */
  findExperiments: (experimentIds: string[]) => Promise<ReadonlyMap<string, unknown>>
}

export type EvaluationDatasetService = ReturnType<typeof createEvaluationDatasetService>

export function createEvaluationDatasetService(deps: EvaluationDatasetServiceDeps) {
  const { engine, clock } = deps

  async function toWire(rows: EvaluationDatasetRow[]): Promise<EvaluationDataset[]> {
    const tags = await store.findTags(
      engine,
      rows.map(({ datasetId }) => datasetId),
    )
    return rows.map((row) =>
      datasetToWire(
        row,
        (tags.get(row.datasetId) ?? []).map(({ key, value }) => [key, value]),
      ),
    )
  }

  const oneToWire = async (row: EvaluationDatasetRow) => (await toWire([row]))[0] as EvaluationDataset

  /** Names need not be unique, nor need the experiments exist. @see mlflow/store/tracking/sqlalchemy_store.py create_dataset */
  async function create(input: {
    name: string
    experiment_ids: string[]
    tags?: string | undefined
  }): Promise<EvaluationDataset> {
    const name = checkLength('name', MAX_NAME_LENGTH, input.name)
    const tags = readNewTags(input.tags)
    const user = readUser(tags.get(USER_TAG))
    const experimentIds = [...new Set(input.experiment_ids)]
    for (const id of experimentIds) checkLength('experiment_ids', MAX_EXPERIMENT_ID_LENGTH, id)
    const nowMs = clock.now()
    const datasetId = `d-${randomUUID().replaceAll('-', '')}`
    const row: EvaluationDatasetRow = {
      datasetId,
      name,
      schema: null,
      numRecords: null,
      digest: digestOf(name, nowMs),
      createdTimeMs: nowMs,
      lastUpdateTimeMs: nowMs,
      createdBy: user,
      lastUpdatedBy: user,
      writeId: '',
    }
    await store.insertDataset(engine, {
      row,
      tags: [...tags].map(([key, value]) => ({ datasetId, key, value })),
      experiments: experimentIds.map((experimentId) => ({ datasetId, experimentId, createdTimeMs: nowMs })),
    })
    return {
      ...datasetToWire(row, tags),
      ...(experimentIds.length > 0 && { experiment_ids: experimentIds }),
    }
  }

  async function get(datasetId: string): Promise<EvaluationDataset> {
    const row = await store.findDataset(engine, datasetId)
    if (!row) throw datasetNotFound(datasetId)
    return oneToWire(row)
  }

  /** Deletes a dataset with all its records; one that is not there is passed over, as by stock. */
  async function remove(datasetId: string): Promise<void> {
    await store.deleteDatasetRow(engine, datasetId)
    await store.removeContents(engine, datasetId)
  }

  /** @throws RESOURCE_DOES_NOT_EXIST; INVALID_PARAMETER_VALUE for what is no JSON object */
  async function setTags(datasetId: string, json: string): Promise<void> {
    const tags = readTags(json)
    if (!(await store.findDataset(engine, datasetId))) {
      throw doesNotExist(`Could not find evaluation dataset with ID ${datasetId}`)
    }
    // Tags without a value are passed over, as by stock.
    const rows = [...tags].flatMap(([key, value]) => (value === null ? [] : [{ datasetId, key, value }]))
    await store.upsertTags(engine, rows)
  }

  /**
   * A page of datasets: of any of the experiments, or of all when none are named.
   * @throws INVALID_PARAMETER_VALUE
   * @see mlflow/store/tracking/sqlalchemy_store.py search_datasets
   */
  async function search(input: {
    experiment_ids: string[]
    filter_string?: string | undefined
    max_results?: number | undefined
    order_by: string[]
    page_token?: string | undefined
  }): Promise<{ datasets: EvaluationDataset[]; nextPageToken: string | undefined }> {
    const pageSize = input.max_results ?? DEFAULT_PAGE_SIZE
    if (pageSize === 0) {
      throw invalidParameter(
        "Invalid value None for parameter 'max_results' supplied. It must be a positive integer",
      )
    }
    checkMaxResults(pageSize)
    const orderBy = parseDatasetOrderBy(input.order_by)
    const filter = parseDatasetFilter(input.filter_string)
    const { bounds, cut } = pageOf(input.page_token, orderBy, pageSize)
    const experimentIds = input.experiment_ids
    const found = await searchDatasetRows(engine, { experimentIds, filter, orderBy, ...bounds })
    const { rows, nextPageToken } = cut(found)
    return { datasets: await toWire(rows), nextPageToken }
  }

  const notFound = (datasetId: string) => doesNotExist(`Dataset '${datasetId}' not found`)

  async function touch(datasetId: string): Promise<EvaluationDataset> {
    const row = await store.touchDataset(engine, datasetId, clock.now())
    if (!row) throw notFound(datasetId)
    return oneToWire(row)
  }

  /**
   * @throws RESOURCE_DOES_NOT_EXIST, also for an experiment that is not there
   * @see mlflow/store/tracking/sqlalchemy_store.py add_dataset_to_experiments
   */
  async function addExperiments(datasetId: string, experimentIds: string[]): Promise<EvaluationDataset> {
    if (!(await store.findDataset(engine, datasetId))) throw notFound(datasetId)
    const known = await deps.findExperiments(experimentIds.filter(isExperimentId))
    const unknown = experimentIds.find((id) => !known.has(id))
    if (unknown !== undefined) throw doesNotExist(`No Experiment with id=${unknown}`)
    const createdTimeMs = clock.now()
    const rows = [...new Set(experimentIds)].map((experimentId) => ({
      datasetId,
      experimentId,
      createdTimeMs,
    }))
    await store.upsertExperiments(engine, rows)
    return touch(datasetId)
  }

  /** Passes over experiments that are not the dataset's. @throws RESOURCE_DOES_NOT_EXIST */
  async function removeExperiments(datasetId: string, experimentIds: string[]): Promise<EvaluationDataset> {
    const row = await store.findDataset(engine, datasetId)
    if (!row) throw notFound(datasetId)
    const removed = await store.deleteExperiments(engine, datasetId, experimentIds)
    return removed > 0 ? touch(datasetId) : oneToWire(row)
  }

  return {
    create,
    get,
    delete: remove,
    search,
    setTags,
    deleteTag: (datasetId: string, key: string) => store.deleteTag(engine, datasetId, key),
    experimentIds: (datasetId: string) => store.findExperimentIds(engine, datasetId),
    addExperiments,
    removeExperiments,
  }
}

/** Whether the text is the plain spelling of an integer of 64 bits. */
const isExperimentId = (text: string): boolean => String(parseInt64(text)) === text
