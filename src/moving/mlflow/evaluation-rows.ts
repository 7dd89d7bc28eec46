// Evaluation datasets, scorers and issues of stock MLflow as our rows.

import { placeOf, recordIdOf } from '../../genai/evaluation-datasets/record.ids.ts'
import { readObject } from '../../genai/traces/usage.schema.ts'
import { isJsonObject, parseJsonAsSpelled, SpelledNumber } from '../../platform/wire/int64.ts'
import { pythonDumps } from '../../platform/wire/python.ts'
import type { Row } from '../families.store.ts'
import type { FamilyMap } from './maps.ts'
import { bool, double, ms, msOr, type Raw, text, textOr } from './values.ts'

/** JSON as Python writes it: databases that know JSON spell it in their own way. */
function json(value: unknown): string | null {
  const spelled = text(value)
  if (spelled === null || spelled === 'null') return null
  return pythonDumps(parseJsonAsSpelled(spelled))
}

/** Outputs of any type are kept in an object. @see mlflow/entities/dataset_record.py DATASET_RECORD_WRAPPED_OUTPUT_KEY */
function outputsOf(value: unknown): string | null {
  const spelled = text(value)
  const outputs = spelled === null ? null : parseJsonAsSpelled(spelled)
  if (outputs === null) return null
  const plain = isJsonObject(outputs) && 'mlflow_wrapped' in outputs ? outputs.mlflow_wrapped : outputs
  return plain === null ? null : pythonDumps(plain)
}

/** Records have ids that follow from their inputs, so that the same inputs are merged into them later. */
function recordOf(raw: Raw, { datasetId }: Row): Row {
  const inputs = parseJsonAsSpelled(textOr(raw.inputs, '{}'))
  const object = isJsonObject(inputs) && !(inputs instanceof SpelledNumber) ? inputs : {}
  const created = msOr(raw.created, 0)
  const datasetRecordId = recordIdOf(String(datasetId), object)
  return {
    datasetId,
    datasetRecordId,
    place: placeOf(created, datasetRecordId),
    inputs: pythonDumps(object),
    outputs: outputsOf(raw.outputs),
    expectations: json(raw.expectations),
    tags: json(raw.tags) ?? '{}',
    source: json(raw.source),
    createdTimeMs: created,
    lastUpdateTimeMs: msOr(raw.updated, created),
    createdBy: text(raw.creator),
    lastUpdatedBy: text(raw.updater),
    revision: 1,
    writeId: '',
  }
}

export const evaluationDatasets: FamilyMap = {
  parent: {
    tables: { t: 'evaluation_datasets' },
    id: 't.dataset_id',
    columns: {
      id: 't.dataset_id',
      name: 't.name',
      schema: 't.schema',
      profile: 't.profile',
      digest: 't.digest',
      created: 't.created_time',
      updated: 't.last_update_time',
      creator: 't.created_by',
      updater: 't.last_updated_by',
    },
    row: (raw) => ({
      datasetId: textOr(raw.id, ''),
      name: textOr(raw.name, ''),
      schema: text(raw.schema),
      numRecords: ms(readObject(text(raw.profile))?.num_records),
      digest: textOr(raw.digest, ''),
      createdTimeMs: msOr(raw.created, 0),
      lastUpdateTimeMs: msOr(raw.updated, 0),
      createdBy: text(raw.creator),
      lastUpdatedBy: text(raw.updater),
      writeId: '',
    }),
  },
  children: {
    evaluation_dataset_tags: {
      tables: { t: 'evaluation_dataset_tags' },
      owner: 't.dataset_id',
      columns: { owner: 't.dataset_id', key: 't.key', value: 't.value' },
      row: ({ key, value }, { datasetId }) => ({ datasetId, key: textOr(key, ''), value: text(value) }),
    },
    evaluation_dataset_experiments: {
      tables: { t: 'entity_associations' },
      owner: 't.source_id',
      where: `t."source_type" = 'evaluation_dataset' AND t."destination_type" = 'experiment'`,
      columns: { owner: 't.source_id', experiment: 't.destination_id', created: 't.created_time' },
      row: ({ experiment, created }, { datasetId }) => ({
        datasetId,
        experimentId: String(experiment),
        createdTimeMs: msOr(created, 0),
      }),
    },
    evaluation_dataset_records: {
      tables: { t: 'evaluation_dataset_records' },
      owner: 't.dataset_id',
      columns: {
        owner: 't.dataset_id',
        id: 't.dataset_record_id',
        inputs: { text: 't.inputs' },
        outputs: { text: 't.outputs' },
        expectations: { text: 't.expectations' },
        tags: { text: 't.tags' },
        source: { text: 't.source' },
        created: 't.created_time',
        updated: 't.last_update_time',
        creator: 't.created_by',
        updater: 't.last_updated_by',
      },
      row: recordOf,
    },
  },
}

export const scorers: FamilyMap = {
  parent: {
    tables: { t: 'scorers' },
    id: 't.scorer_id',
    experiment: 't.experiment_id',
    columns: { id: 't.scorer_id', experiment: 't.experiment_id', name: 't.scorer_name' },
    extra: async (read, raws) => {
      const select = {
        tables: { t: 'online_scoring_configs' },
        columns: {
          owner: 't.scorer_id',
          id: 't.online_scoring_config_id',
          rate: 't.sample_rate',
          filter: 't.filter_string',
        },
      }
      const found = await read(
        select,
        't.scorer_id',
        raws.map(({ id }) => id),
      )
      return new Map(found.map((raw) => [String(raw.owner), raw]))
    },
    row: (raw, { extra }) => {
      const online = extra.get(String(raw.id))
      return {
        experimentId: String(raw.experiment),
        name: textOr(raw.name, ''),
        scorerId: textOr(raw.id, ''),
        onlineConfigId: text(online?.id),
        sampleRate: double(online?.rate),
        filterString: text(online?.filter),
      }
    },
  },
  children: {
    scorer_versions: {
      tables: { t: 'scorer_versions' },
      owner: 't.scorer_id',
      columns: {
        owner: 't.scorer_id',
        version: 't.scorer_version',
        serialized: 't.serialized_scorer',
        created: 't.creation_time',
      },
      row: ({ version, serialized, created }, { scorerId }) => ({
        scorerId,
        version: msOr(version, 0),
        serialized: textOr(serialized, ''),
        creationTimeMs: msOr(created, 0),
      }),
    },
  },
}

export const issues: FamilyMap = {
  parent: {
    tables: { t: 'issues' },
    id: 't.issue_id',
    experiment: 't.experiment_id',
    columns: {
      id: 't.issue_id',
      experiment: 't.experiment_id',
      name: 't.name',
      description: 't.description',
      status: 't.status',
      severity: 't.severity',
      causes: 't.root_causes',
      run: 't.source_run_id',
      categories: 't.categories',
      created: 't.created_timestamp',
      updated: 't.last_updated_timestamp',
      creator: 't.created_by',
    },
    row: (raw) => ({
      issueId: textOr(raw.id, ''),
      experimentId: String(raw.experiment),
      name: textOr(raw.name, ''),
      description: textOr(raw.description, ''),
      status: textOr(raw.status, 'pending'),
      severity: text(raw.severity),
      rootCauses: text(raw.causes),
      sourceRunId: text(raw.run),
      categories: text(raw.categories),
      createdTimestampMs: msOr(raw.created, 0),
      lastUpdatedTimestampMs: msOr(raw.updated, 0),
      createdBy: text(raw.creator),
    }),
  },
  children: {},
}

export const labelSchemas: FamilyMap = {
  parent: {
    tables: { t: 'label_schemas' },
    id: 't.schema_id',
    experiment: 't.experiment_id',
    columns: {
      id: 't.schema_id',
      experiment: 't.experiment_id',
      name: 't.name',
      type: 't.type',
      instruction: 't.instruction',
      comment: 't.enable_comment',
      input: 't.input_type',
      config: 't.input_config',
      created: 't.created_time',
      updated: 't.last_update_time',
      isDefault: 't.is_default',
    },
    row: (raw) => ({
      schemaId: textOr(raw.id, ''),
      experimentId: String(raw.experiment),
      name: textOr(raw.name, ''),
      nameFence: 0,
      type: textOr(raw.type, ''),
      instruction: text(raw.instruction),
      enableComment: bool(raw.comment),
      inputType: textOr(raw.input, ''),
      inputConfig: textOr(raw.config, '{}'),
      createdTimeMs: msOr(raw.created, 0),
      lastUpdateTimeMs: msOr(raw.updated, 0),
      isDefault: bool(raw.isDefault),
    }),
  },
  children: {},
}

/** Users and label schemas of a queue are lists in its row. */
export const reviewQueues: FamilyMap = {
  parent: {
    tables: { t: 'review_queues' },
    id: 't.queue_id',
    experiment: 't.experiment_id',
    columns: {
      id: 't.queue_id',
      experiment: 't.experiment_id',
      name: 't.name',
      type: 't.queue_type',
      creator: 't.created_by',
      created: 't.creation_time_ms',
      updated: 't.last_update_time_ms',
    },
    extra: async (read, raws) => {
      const lists = new Map<string, Raw>()
      for (const [table, column] of [
        ['review_queue_users', 'user_id'],
        ['review_queue_label_schemas', 'schema_id'],
      ] as const) {
        const select = { tables: { t: table }, columns: { owner: 't.queue_id', item: `t.${column}` } }
        const ids = raws.map(({ id }) => id)
        for (const { owner, item } of await read(select, 't.queue_id', ids)) {
          const own = lists.get(String(owner)) ?? {}
          lists.set(String(owner), {
            ...own,
            [column]: [...((own[column] as string[]) ?? []), textOr(item, '')],
          })
        }
      }
      return lists
    },
    row: (raw, { extra }) => {
      const { user_id: users = [], schema_id: schemaIds = [] } = (extra.get(String(raw.id)) ?? {}) as Record<
        string,
        string[]
      >
      return {
        queueId: textOr(raw.id, ''),
        experimentId: String(raw.experiment),
        name: textOr(raw.name, ''),
        fence: 0,
        queueType: textOr(raw.type, 'custom').toLowerCase(),
        createdBy: text(raw.creator),
        creationTimeMs: msOr(raw.created, 0),
        lastUpdateTimeMs: msOr(raw.updated, 0),
        users: users.map((user) => user.toLowerCase()).sort(),
        schemaIds: [...schemaIds].sort(),
      }
    },
  },
  children: {
    review_queue_items: {
      tables: { t: 'review_queue_items' },
      owner: 't.queue_id',
      columns: {
        owner: 't.queue_id',
        item: 't.item_id',
        type: 't.item_type',
        status: 't.status',
        by: 't.completed_by',
        at: 't.completed_time_ms',
        created: 't.creation_time_ms',
        updated: 't.last_update_time_ms',
      },
      row: (raw, { queueId }) => ({
        queueId,
        itemId: textOr(raw.item, ''),
        itemType: textOr(raw.type, 'trace').toLowerCase(),
        status: textOr(raw.status, 'pending').toLowerCase(),
        completedBy: text(raw.by),
        completedTimeMs: ms(raw.at),
        creationTimeMs: msOr(raw.created, 0),
        lastUpdateTimeMs: msOr(raw.updated, 0),
      }),
    },
  },
}
