// `crateflow experiments`: list, show, delete and restore experiments on a running server.
import type { Experiment } from '../../tracking/experiments/schema.ts'
import { type Asked, mlflow, VIEWS } from './asked.ts'
import { printDetails } from './details.ts'
import type { Field } from './fields.ts'
import { printListing } from './listing.ts'
import { findExperiment } from './names.ts'
import { changeAll } from './removal.ts'
import { tagField, tagsSection } from './tags.ts'

/** What `search` looks into when it is given a word. */
export const SEARCHED = 'name'

const FIELDS: readonly Field<Experiment>[] = [
  { name: 'experiment_id', title: 'ID', read: (experiment) => experiment.experiment_id },
  { name: 'name', read: (experiment) => experiment.name, least: 20 },
  { name: 'created', kind: 'time', read: (experiment) => experiment.creation_time, rank: 2 },
  { name: 'updated', kind: 'time', read: (experiment) => experiment.last_update_time, rank: 1 },
  {
    name: 'lifecycle_stage',
    title: 'STAGE',
    kind: 'state',
    read: (experiment) => experiment.lifecycle_stage,
    rank: 3,
  },
  {
    name: 'artifact_location',
    title: 'ARTIFACTS',
    read: (experiment) => experiment.artifact_location,
    least: 24,
    rank: 4,
  },
]

/** `experiments list` and `search`. */
export function listExperiments(asked: Asked): Promise<void> {
  const { filter, orderBy: order_by, view } = asked
  return printListing<Experiment>(
    {
      things: 'experiments',
      key: 'experiments',
      fields: FIELDS,
      fieldFor: (name) => tagField(name, (experiment) => experiment.tags),
      page: (page) =>
        asked.ask({
          method: 'POST',
          path: mlflow('experiments/search'),
          body: { filter, order_by, view_type: VIEWS[view], ...page },
        }),
    },
    asked,
  )
}

/** `experiments show` */
export async function showExperiment(asked: Asked, name: string): Promise<void> {
  const experiment = await findExperiment(asked, name)
  await printDetails(asked, { experiment }, () => [
    {
      details: [
        { label: 'Experiment ID', value: experiment.experiment_id },
        { label: 'Name', value: experiment.name },
        { label: 'Lifecycle stage', value: experiment.lifecycle_stage, kind: 'state' },
        { label: 'Created', value: experiment.creation_time, kind: 'time' },
        { label: 'Updated', value: experiment.last_update_time, kind: 'time' },
        { label: 'Artifact location', value: experiment.artifact_location },
      ],
    },
    tagsSection(experiment.tags),
  ])
}

const told = ({ name, experiment_id }: Experiment) => `experiment ${name} (${experiment_id})`

/** `experiments delete` @returns the exit code */
export async function deleteExperiments(asked: Asked, names: readonly string[]): Promise<number> {
  return changeAll(asked, await findAll(asked, names, 'active'), {
    done: 'Deleted',
    describe: told,
    question: 'Experiments can be restored, with their runs.',
    change: ({ experiment_id }) => post(asked, 'experiments/delete', experiment_id),
  })
}

/** `experiments restore` @returns the exit code */
export async function restoreExperiments(asked: Asked, names: readonly string[]): Promise<number> {
  return changeAll(asked, await findAll(asked, names, 'deleted'), {
    done: 'Restored',
    describe: told,
    change: ({ experiment_id }) => post(asked, 'experiments/restore', experiment_id),
  })
}

/** @throws Error for one that is not in this stage, of which MLflow says that it does not exist */
const findAll = (asked: Asked, names: readonly string[], stage: Experiment['lifecycle_stage']) =>
  Promise.all(
    names.map(async (name) => {
      const experiment = await findExperiment(asked, name)
      if (experiment.lifecycle_stage === stage) return experiment
      throw new Error(`The ${told(experiment)} is ${experiment.lifecycle_stage} already.`)
    }),
  )

const post = ({ ask }: Asked, path: string, experiment_id: string) =>
  ask({ method: 'POST', path: mlflow(path), body: { experiment_id } })
