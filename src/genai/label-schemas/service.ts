// MLflow's rules for label schemas: names within an experiment, what may change, the question that is always there.

import { randomUUID } from 'node:crypto'
import { alreadyExists, doesNotExist, invalidParameter } from '../../errors.ts'
import type { Engine } from '../../platform/database/engine.ts'
import { claimName, releaseName } from '../../platform/database/name-claims.ts'
import type { Clock } from '../../platform/wire/ids.ts'
import { hashOf } from '../../platform/wire/ids.ts'
import { parseJson } from '../../platform/wire/int64.ts'
import { MAX_RESULTS_LIMIT } from '../../platform/wire/limits.ts'
import { SEE_DOCS } from '../../platform/wire/message.ts'
import { lengthOf } from '../../platform/wire/names.ts'
import { offsetPage } from '../../platform/wire/page-token.ts'
import { checkSameKind, type ReadInput, readInput } from './inputs.ts'
import type { LabelSchema, LabelSchemaInputMessage } from './schema.ts'
import * as store from './store.ts'

const MAX_NAME_LENGTH = 250
const MAX_INSTRUCTION_LENGTH = 1000
const DEFAULT_PAGE_SIZE = 100
/** The question that every experiment has once its label schemas were listed. Nothing else may have its name. */
const DEFAULT_NAME = 'Feedback'

export interface LabelSchemaServiceDeps {
  engine: Engine
  clock: Clock
  /**
   * The id of an experiment in its plain spelling.
   * @throws RESOURCE_DOES_NOT_EXIST, also when it is deleted; INVALID_PARAMETER_VALUE when its id is no integer
   */
  requireExperiment: (experimentId: string) => Promise<string>
}

export type LabelSchemaService = ReturnType<typeof createLabelSchemaService>

export interface NewLabelSchema {
  experiment_id: string
  name: string
  type?: string
  input?: LabelSchemaInputMessage
  instruction?: string
  enable_comment?: boolean
}

export type ChangedLabelSchema = Partial<Omit<NewLabelSchema, 'experiment_id' | 'type'>>

export function createLabelSchemaService(deps: LabelSchemaServiceDeps) {
  const { engine, clock, requireExperiment } = deps

  /** @throws RESOURCE_DOES_NOT_EXIST */
  async function require(schemaId: string): Promise<store.NamedLabelSchema> {
    const row = await store.findLabelSchema(engine, schemaId)
    if (!row) throw notFound(schemaId)
    return row
  }

  /**
   * Makes a label schema with a name that no other of the experiment has. A crash behind the claim of the name leaves
   * one that the next caller takes over.
   * @throws INVALID_PARAMETER_VALUE, RESOURCE_DOES_NOT_EXIST, RESOURCE_ALREADY_EXISTS
   * @see mlflow/store/tracking/sqlalchemy_store.py SqlAlchemyStore.create_label_schema
   */
  async function create(given: NewLabelSchema): Promise<LabelSchema> {
    const { name, type = 'LABEL_SCHEMA_TYPE_UNSPECIFIED' } = given
    if (type === 'LABEL_SCHEMA_TYPE_UNSPECIFIED') {
      throw invalidParameter(
        'Label schema `type` must be one of FEEDBACK or EXPECTATION; got proto enum value 0.',
      )
    }
    const input = readInput(given.input)
    checkChanges(given, input)
    const experimentId = await requireExperiment(given.experiment_id)
    const owner = store.labelSchemaNames(engine, experimentId)
    for (;;) {
      const schemaId = `ls-${randomUUID().replaceAll('-', '')}`
      const takenBy = await claimName(engine, owner, { name, ownerId: schemaId, fence: 0 })
      if (takenBy !== undefined) throw nameTaken(name, given.experiment_id)
      const nowMs = clock.now()
      const row: store.NamedLabelSchema = {
        schemaId,
        experimentId,
        name,
        nameFence: 0,
        type,
        instruction: given.instruction ?? null,
        enableComment: given.enable_comment ?? false,
        ...input.stored,
        createdTimeMs: nowMs,
        lastUpdateTimeMs: nowMs,
        isDefault: false,
      }
      // Otherwise a caller took this server for dead.
      if (await store.insertLabelSchema(engine, row)) return toWire(row)
    }
  }

  /** The label schema of a name. @throws RESOURCE_DOES_NOT_EXIST, INVALID_PARAMETER_VALUE */
  async function getByName(experiment: string, name: string): Promise<LabelSchema> {
    const experimentId = await requireExperiment(experiment)
    const schemaId = name === DEFAULT_NAME ? defaultIdOf(experimentId) : await findClaimed(experimentId, name)
    const row = schemaId === undefined ? undefined : await store.findLabelSchema(engine, schemaId)
    if (row?.name === name) return toWire(row)
    throw doesNotExist(`Label schema with name '${name}' not found for experiment '${experiment}'.`)
  }

  const findClaimed = async (experimentId: string, name: string) =>
    lengthOf(name) <= MAX_NAME_LENGTH ? store.findClaimed(engine, { experimentId, name }) : undefined

  /**
   * A page of an experiment's label schemas, the newest first. The default question is made at the first call.
   * @throws INVALID_PARAMETER_VALUE, RESOURCE_DOES_NOT_EXIST
   * @see mlflow/store/tracking/sqlalchemy_store.py SqlAlchemyStore.list_label_schemas
   */
  async function list(input: {
    experiment_id: string
    max_results?: number
    page_token?: string
  }): Promise<{ labelSchemas: LabelSchema[]; nextPageToken: string | undefined }> {
    const size = input.max_results ?? DEFAULT_PAGE_SIZE
    if (size < 1 || size > MAX_RESULTS_LIMIT) {
      throw invalidParameter(`max_results must be between 1 and ${MAX_RESULTS_LIMIT}.${SEE_DOCS}`)
    }
    const page = offsetPage(input.page_token, size)
    const experimentId = await requireExperiment(input.experiment_id)
    await ensureDefault(experimentId)
    const { rows, nextPageToken } = page.cut(await store.listLabelSchemas(engine, experimentId, page.bounds))
    return { labelSchemas: rows.map(toWire), nextPageToken }
  }

  /** Its id follows from the experiment's, so that of all servers one makes it; its name is kept from all others. */
  async function ensureDefault(experimentId: string): Promise<void> {
    const schemaId = defaultIdOf(experimentId)
    if (await store.findLabelSchema(engine, schemaId)) return
    const nowMs = clock.now()
    await store.insertLabelSchema(engine, {
      schemaId,
      experimentId,
      name: DEFAULT_NAME,
      nameFence: 0,
      type: 'FEEDBACK',
      instruction: 'Share any feedback on this trace.',
      enableComment: false,
      ...readInput({ text: {} }).stored,
      createdTimeMs: nowMs,
      lastUpdateTimeMs: nowMs,
      isDefault: true,
    })
  }

  /**
   * Changes what is given, all at once. Another name is claimed before, and the old one given back after.
   * @throws INVALID_PARAMETER_VALUE, RESOURCE_DOES_NOT_EXIST, RESOURCE_ALREADY_EXISTS
   * @see mlflow/store/tracking/sqlalchemy_store.py SqlAlchemyStore.update_label_schema
   */
  async function update(schemaId: string, given: ChangedLabelSchema): Promise<LabelSchema> {
    const input = given.input && readInput(given.input)
    for (;;) {
      const row = await require(schemaId)
      if (row.isDefault) throw invalidParameter("The experiment's default question cannot be edited.")
      checkChanges(given, input)
      if (input) checkSameKind(row, input)
      const name = given.name ?? row.name
      const owner = store.labelSchemaNames(engine, row.experimentId)
      const claim = { name, ownerId: schemaId, fence: row.nameFence }
      const isOther = name !== row.name
      const takenBy = isOther ? await claimName(engine, owner, claim) : undefined
      if (takenBy !== undefined) throw nameTaken(name, row.experimentId)
      const updated = await store.updateLabelSchema(engine, row, {
        ...(isOther && { name }),
        ...(given.instruction !== undefined && { instruction: given.instruction }),
        ...(given.enable_comment !== undefined && { enableComment: given.enable_comment }),
        ...input?.stored,
        lastUpdateTimeMs: clock.now(),
      })
      const isUpdated = updated !== undefined && updated !== 'missing'
      if (isOther) await releaseName(engine, owner, isUpdated ? { ...claim, name: row.name } : claim)
      if (updated === 'missing') throw notFound(schemaId)
      if (updated) return toWire(updated)
    }
  }

  /** Deletes a label schema and frees its name; one that is not there is no error. */
  async function remove(schemaId: string): Promise<void> {
    const row = await store.findLabelSchema(engine, schemaId)
    if (!row) return
    if (row.isDefault) throw invalidParameter("The experiment's default question cannot be deleted.")
    await store.deleteLabelSchema(engine, schemaId)
    const owner = store.labelSchemaNames(engine, row.experimentId)
    await releaseName(engine, owner, { name: row.name, ownerId: schemaId, fence: row.nameFence })
  }

  return {
    create,
    get: async (schemaId: string) => toWire(await require(schemaId)),
    getByName,
    findIds: (experimentId: string, schemaIds: readonly string[]) =>
      store.findIds(engine, experimentId, schemaIds),
    list,
    update,
    delete: remove,
  }
}

const notFound = (schemaId: string) => doesNotExist(`Label schema with id '${schemaId}' not found.`)
const nameTaken = (name: string, experimentId: string) =>
  alreadyExists(`Label schema with name '${name}' already exists for experiment '${experimentId}'.`)

const defaultIdOf = (experimentId: string) => `ls-${hashOf(`default label schema of ${experimentId}`)}`

/** @see mlflow/genai/label_schemas/validation.py validate_schema_for_create, validate_schema_for_update */
function checkChanges({ name, instruction }: ChangedLabelSchema, input: ReadInput | undefined): void {
  if (name !== undefined) checkName(name)
  const length = lengthOf(instruction ?? '')
  if (length > MAX_INSTRUCTION_LENGTH) {
    throw invalidParameter(
      `Label schema \`instruction\` must be at most ${MAX_INSTRUCTION_LENGTH} characters; got ${length}.`,
    )
  }
  input?.check()
}

function checkName(name: string): void {
  if (name === '') throw invalidParameter("Label schema `name` must be a non-empty string; got ''.")
  const length = lengthOf(name)
  if (length > MAX_NAME_LENGTH) {
    throw invalidParameter(
      `Label schema \`name\` must be at most ${MAX_NAME_LENGTH} characters; got ${length}.`,
    )
  }
  if (name.trim().toLowerCase() !== DEFAULT_NAME.toLowerCase()) return
  throw invalidParameter(
    `\`${name}\` is reserved for the experiment's default question and cannot be used for another label schema.`,
  )
}

const toWire = (row: store.NamedLabelSchema): LabelSchema => ({
  schema_id: row.schemaId,
  experiment_id: row.experimentId,
  name: row.name,
  type: row.type as LabelSchema['type'],
  ...(row.instruction !== null && { instruction: row.instruction }),
  enable_comment: row.enableComment,
  input: { [row.inputType]: parseJson(row.inputConfig) } as LabelSchema['input'],
  created_at: row.createdTimeMs,
  last_updated_at: row.lastUpdateTimeMs,
  is_default: row.isDefault,
})
