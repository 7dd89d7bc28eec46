// MLflow's rules for scorers: names, versions, which traces a scorer sees by itself.
import { randomUUID } from 'node:crypto'
import { doesNotExist, invalidParameter } from '../../errors.ts'
import type { Engine } from '../../platform/database/engine.ts'
import { createTurns } from '../../platform/turns.ts'
import type { Clock } from '../../platform/wire/ids.ts'
import { checkLength, lengthOf } from '../../platform/wire/names.ts'
import { pythonFloat } from '../../platform/wire/python.ts'
import type { OnlineScoringConfig, RegisteredScorer, Scorer } from './schema.ts'
import { asPythonDumps, endpointNotFound, gatewayEndpointOf, modelOf, readSerialized } from './serialized.ts'
import * as store from './store.ts'
import type { ScorerRow, ScorerVersionRow } from './tables.ts'

/** Characters of a name at most, as wide as MLflow's column. */
const MAX_NAME_LENGTH = 256
const MAX_INT32 = 0x7fffffff

export interface ScorerServiceDeps {
  engine: Engine
  clock: Clock
  /** @throws RESOURCE_DOES_NOT_EXIST, INVALID_PARAMETER_VALUE when it is deleted or its id is no integer */
  requireActiveExperiment: (experimentId: string) => Promise<{ experimentId: string }>
  /** Ids of those that are there and not deleted. @throws INVALID_PARAMETER_VALUE for an id that is no integer */
  filterActiveExperiments: (experimentIds: string[]) => Promise<string[]>
  /** @throws INVALID_PARAMETER_VALUE for what is no filter of traces */
  checkTraceFilter: (filter: string) => void
}

export type ScorerService = ReturnType<typeof createScorerService>

interface Named {
  experiment_id: string
  name: string
}

export function createScorerService(deps: ScorerServiceDeps) {
  const { engine, clock, requireActiveExperiment, filterActiveExperiments, checkTraceFilter } = deps
  const takeTurn = createTurns<ScorerVersionRow>()

  /** @throws RESOURCE_DOES_NOT_EXIST */
  async function require({ experiment_id, name }: Named): Promise<ScorerRow> {
    const { experimentId } = await requireActiveExperiment(experiment_id)
    const isName = lengthOf(name) <= MAX_NAME_LENGTH
    const row = isName ? await store.findScorer(engine, { experimentId, name }) : undefined
    if (!row) throw notFound({ experiment_id, name })
    return row
  }

  /**
   * Keeps the scorer as the next version of its name. The name's row comes first: one without versions is shown
   * nowhere. Who deletes the scorer takes the id from the name before he removes versions, so one that is added
   * meanwhile is either removed with them, or finds the id gone and is added to the next scorer of the name.
   * @throws INVALID_PARAMETER_VALUE, RESOURCE_DOES_NOT_EXIST for the experiment or the gateway's endpoint
   * @see mlflow/store/tracking/sqlalchemy_store.py SqlAlchemyStore.register_scorer
   */
  async function register(input: Named & { serialized_scorer: string }): Promise<RegisteredScorer> {
    const { name, serialized_scorer: serialized } = input
    const scorer = readSerialized(serialized)
    if (name.trim() === '') {
      throw invalidParameter('Scorer name cannot be empty or contain only whitespace.')
    }
    checkLength('name', MAX_NAME_LENGTH, name)
    const { experimentId } = await requireActiveExperiment(input.experiment_id)
    const endpoint = gatewayEndpointOf(modelOf(scorer))
    if (endpoint !== undefined) throw endpointNotFound(endpoint)
    for (;;) {
      const version = await addVersion({ experimentId, name }, serialized)
      const { scorerId } = version
      if ((await store.findScorer(engine, { experimentId, name }))?.scorerId === scorerId) {
        return {
          version: version.version,
          scorer_id: scorerId,
          experiment_id: experimentId,
          name,
          serialized_scorer: serialized,
          creation_time: version.creationTimeMs,
        }
      }
      await store.deleteVersion(engine, scorerId, version.version)
    }
  }

  /** Numbers of one scorer are given one after the other; only other servers may be faster then. */
  async function addVersion(name: store.ScorerName, serialized: string): Promise<ScorerVersionRow> {
    const known = await store.findScorer(engine, name)
    const scorerId = known?.scorerId ?? (await store.claimScorer(engine, name, randomUUID()))
    return takeTurn(scorerId, () =>
      store.insertNextVersion(engine, { scorerId, serialized, creationTimeMs: clock.now() }),
    )
  }

  /**
   * The latest version of each scorer by experiment and name: of one experiment, of those that are active among many,
   * or of all that are.
   * @throws INVALID_PARAMETER_VALUE, RESOURCE_DOES_NOT_EXIST
   * @see mlflow/server/handlers.py _list_scorers
   */
  async function list(input: { experiment_id?: string; experiment_ids?: string[] }): Promise<Scorer[]> {
    const rows = await findAll(input)
    const latest = await store.findLatestVersions(
      engine,
      rows.map(({ scorerId }) => scorerId),
    )
    return rows.flatMap((row) => {
      const version = latest.get(row.scorerId)
      return version ? [toWire(row, version, asPythonDumps(version.serialized))] : []
    })
  }

  async function findAll(input: { experiment_id?: string; experiment_ids?: string[] }): Promise<ScorerRow[]> {
    const { experiment_id: one, experiment_ids: several } = input
    if (one && several) {
      throw invalidParameter(
        "Cannot specify both 'experiment_id' and 'experiment_ids'. Use 'experiment_ids' to scope the query to multiple experiments, or 'experiment_id' to scope it to a single experiment.",
      )
    }
    if (one) return store.findScorers(engine, [(await requireActiveExperiment(one)).experimentId])
    if (several) {
      several.forEach(checkExperimentId)
      const active = await filterActiveExperiments(several)
      return active.length === 0 ? [] : store.findScorers(engine, active)
    }
    const rows = await store.findScorers(engine, undefined)
    const experimentIds = [...new Set(rows.map(({ experimentId }) => experimentId))]
    const active = new Set(await filterActiveExperiments(experimentIds))
    return rows.filter(({ experimentId }) => active.has(experimentId))
  }

  /** All versions of a scorer, the oldest first. @throws RESOURCE_DOES_NOT_EXIST when there is none */
  async function listVersions(input: Named): Promise<Scorer[]> {
    const row = await require(input)
    const versions = await store.findVersions(engine, row.scorerId)
    if (versions.length === 0) throw notFound(input)
    return versions.map((version) => toWire(row, version, asPythonDumps(version.serialized)))
  }

  /** A version of a scorer, the latest without a number. @throws RESOURCE_DOES_NOT_EXIST */
  async function get(input: Named & { version?: number }): Promise<Scorer> {
    const row = await require(input)
    const { scorerId } = row
    const version =
      input.version === undefined
        ? await store.findLatestVersion(engine, scorerId)
        : await store.findVersion(engine, scorerId, input.version)
    if (!version) throw notFound(input)
    return toWire(row, version, version.serialized)
  }

  /**
   * Deletes one version, or the scorer with all of them. A scorer that loses its last version this way keeps its id,
   * and what is registered next begins at 1.
   * @throws RESOURCE_DOES_NOT_EXIST
   * @see mlflow/store/tracking/sqlalchemy_store.py SqlAlchemyStore.delete_scorer
   */
  async function remove(input: Named & { version?: number }): Promise<void> {
    const row = await require(input)
    const { scorerId } = row
    if (input.version !== undefined) {
      if (!(await store.findVersion(engine, scorerId, input.version))) throw notFound(input)
      return store.deleteVersion(engine, scorerId, input.version)
    }
    if (!(await store.findLatestVersion(engine, scorerId))) throw notFound(input)
    await store.releaseScorer(engine, row)
    await store.deleteVersions(engine, scorerId)
  }

  /** The online configurations of the scorers; one without is left out. */
  async function getOnlineConfigs(scorerIds: string[]): Promise<OnlineScoringConfig[]> {
    if (scorerIds.length === 0) return []
    return (await store.findConfigured(engine, scorerIds)).map(configToWire)
  }

  /**
   * Tells which part of the traces a scorer is to see by itself, from 0 to 1, and which ones. Only scorers that ask a
   * model of the gateway may see any.
   * @throws INVALID_PARAMETER_VALUE, RESOURCE_DOES_NOT_EXIST
   * @see mlflow/store/tracking/sqlalchemy_store.py SqlAlchemyStore.upsert_online_scoring_config
   */
  async function setOnlineConfig(
    input: Named & { sample_rate: number; filter_string?: string },
  ): Promise<OnlineScoringConfig> {
    const { sample_rate: sampleRate, filter_string: filter } = input
    if (!(sampleRate >= 0 && sampleRate <= 1)) {
      throw invalidParameter(`sample_rate must be between 0.0 and 1.0, got ${pythonFloat(sampleRate)}`)
    }
    if (filter) checkTraceFilter(filter)
    const row = await require(input)
    const latest = sampleRate > 0 ? await store.findLatestVersion(engine, row.scorerId) : undefined
    if (latest && gatewayEndpointOf(modelOf(readSerialized(latest.serialized))) === undefined) {
      throw invalidParameter(
        `Scorer '${input.name}' does not use a gateway model. Automatic evaluation is only supported for scorers that use gateway models.`,
      )
    }
    const onlineConfigId = randomUUID().replaceAll('-', '')
    const config = { onlineConfigId, sampleRate, filterString: filter ?? null }
    if (!(await store.setOnlineConfig(engine, row, config))) throw notFound(input)
    return configToWire({ ...row, ...config })
  }

  return { register, list, listVersions, get, delete: remove, getOnlineConfigs, setOnlineConfig }
}

const notFound = ({ experiment_id, name, version }: Named & { version?: number }) => {
  const numbered = version === undefined ? '' : ` and version ${version}`
  return doesNotExist(`Scorer with name '${name}'${numbered} not found for experiment ${experiment_id}.`)
}

/** @see mlflow/utils/validation.py _validate_experiment_id */
function checkExperimentId(experimentId: string): void {
  if (/^[a-z0-9][\w-]{0,63}$/i.test(experimentId)) return
  throw invalidParameter(`Invalid experiment ID: '${experimentId}'`)
}

function toWire(scorer: ScorerRow, version: ScorerVersionRow, serialized: string): Scorer {
  const experimentId = Number(scorer.experimentId)
  return {
    ...(experimentId <= MAX_INT32 && { experiment_id: experimentId }),
    scorer_name: scorer.name,
    scorer_version: version.version,
    serialized_scorer: serialized,
    creation_time: version.creationTimeMs,
    scorer_id: scorer.scorerId,
  }
}

const configToWire = (scorer: ScorerRow): OnlineScoringConfig => ({
  online_scoring_config_id: scorer.onlineConfigId ?? '',
  scorer_id: scorer.scorerId,
  sample_rate: scorer.sampleRate ?? 0,
  experiment_id: scorer.experimentId,
  ...(scorer.filterString !== null && { filter_string: scorer.filterString }),
})
