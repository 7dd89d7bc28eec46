// `crateflow runs compare` and `models compare`: runs, and versions of models with their runs, side by side.
import type { ModelVersion } from '../../registry/model-registry/schema.ts'
import type { Run } from '../../tracking/runs/schema.ts'
import { print } from '../print.ts'
import { type Asked, mlflow } from './asked.ts'
import { type Line, lineFor, linesByKey, printComparison } from './comparison.ts'
import { jsonText } from './fields.ts'
import { findVersion } from './models.ts'
import { findRun, ifThere } from './names.ts'
import { durationOf, userOf } from './runs.ts'

/** @param onlyDifferent leave out what is the same in all runs */
export async function compareRuns(
  asked: Asked,
  names: readonly string[],
  onlyDifferent: boolean,
): Promise<void> {
  const runs = await Promise.all(names.map((name) => findRun(asked, name, 'all')))
  const lines = [
    lineFor(runs, ['run', 'run_id'], ({ info }) => info.run_id),
    lineFor(runs, ['run', 'experiment_id'], ({ info }) => info.experiment_id),
    lineFor(runs, ['run', 'status', 'state'], ({ info }) => info.status),
    lineFor(runs, ['run', 'started', 'time'], ({ info }) => info.start_time),
    lineFor(runs, ['run', 'duration', 'duration'], durationOf),
    lineFor(runs, ['run', 'user'], userOf),
    ...linesOfRuns(runs),
    ...linesByKey(runs, ['tags'], ({ data }) => data.tags?.filter(({ key }) => !SHOWN_ABOVE.includes(key))),
  ]
  if (asked.format === 'json') {
    const differ = differing(lines)
    const shown = onlyDifferent ? runs.map((run) => ({ ...run, data: kept(run.data, differ) })) : runs
    return print(jsonText({ runs: shown }))
  }
  const headings = runs.map(({ info }) => ({ title: info.run_name ?? '', id: info.run_id }))
  printComparison(asked, headings, wanted(lines, onlyDifferent))
}

const SHOWN_ABOVE = ['mlflow.runName', 'mlflow.user']

/** Of versions, params and metrics are those of the runs that made them, as in the web UI. */
export async function compareVersions(
  asked: Asked,
  names: readonly string[],
  onlyDifferent: boolean,
): Promise<void> {
  const versions = await Promise.all(names.map((name) => findVersion(asked, name)))
  const runs = await Promise.all(versions.map((version) => runOf(asked, version)))
  const lines = [
    lineFor(versions, ['version', 'version'], ({ version }) => version),
    lineFor(versions, ['version', 'aliases'], ({ aliases = [] }) => aliases.join(', ')),
    lineFor(versions, ['version', 'status', 'state'], ({ status }) => status),
    lineFor(versions, ['version', 'stage'], (version) => version.current_stage),
    lineFor(versions, ['version', 'created', 'time'], (version) => version.creation_timestamp),
    lineFor(versions, ['version', 'run_id'], (version) => version.run_id),
    lineFor(versions, ['version', 'source'], ({ source }) => source),
    lineFor(versions, ['version', 'description'], ({ description }) => description),
    ...linesOfRuns(runs),
    ...linesByKey(versions, ['tags'], ({ tags }) => tags),
  ]
  if (asked.format === 'json') {
    const differ = differing(lines)
    const shown = onlyDifferent
      ? versions.map((version) => ({ ...version, ...kept({ tags: version.tags }, differ) }))
      : versions
    return print(jsonText({ model_versions: shown }))
  }
  const headings = versions.map(({ name, version }) => `${name}/${version}`)
  printComparison(
    asked,
    headings.map((name) => ({ title: name, id: name })),
    wanted(lines, onlyDifferent),
  )
}

/** The run that made the version, if it is there still. */
async function runOf({ ask }: Asked, { run_id }: ModelVersion): Promise<Run | undefined> {
  if (!run_id) return undefined
  return (await ifThere(ask<{ run: Run }>({ path: mlflow('runs/get', { run_id }) })))?.run
}

const linesOfRuns = (runs: readonly (Run | undefined)[]): Line[] => [
  ...linesByKey(runs, ['params'], (run) => run?.data.params),
  ...linesByKey(runs, ['metrics', 'number'], (run) => run?.data.metrics),
]

/** What differs, as `params.lr`. */
const differing = (lines: readonly Line[]): ReadonlySet<string> =>
  new Set(lines.filter(({ differs }) => differs).map(({ group, label }) => `${group}.${label}`))

/** Of lists of keys and values, those that differ. */
function kept<Data extends Record<string, readonly { key: string }[] | undefined>>(
  data: Data,
  differ: ReadonlySet<string>,
): Data {
  const lists = Object.entries(data).map(([group, list]) => [
    group,
    list?.filter(({ key }) => differ.has(`${group}.${key}`)),
  ])
  return Object.fromEntries(lists)
}

const wanted = (lines: readonly Line[], onlyDifferent: boolean): Line[] =>
  lines.filter(({ differs }) => differs || !onlyDifferent)
