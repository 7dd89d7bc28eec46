// Finds what is meant by an id or a name, which has to be the name of one thing alone.
import type { Experiment } from '../../tracking/experiments/schema.ts'
import type { Run } from '../../tracking/runs/schema.ts'
import { RefusedRequest } from '../client.ts'
import { AmbiguousError } from '../errors.ts'
import { timeAgo } from '../humane.ts'
import { type Asked, mlflow, quoted, VIEWS, type View } from './asked.ts'

/** How many candidates are told. */
const CANDIDATES = 10
/** How many experiments are looked into at once, when none is named. */
const MOST_EXPERIMENTS = 1000

/** What the request finds; undefined where there is nothing. */
export async function ifThere<Answer>(answer: Promise<Answer>): Promise<Answer | undefined> {
  try {
    return await answer
  } catch (error) {
    if (error instanceof RefusedRequest && error.code === 'RESOURCE_DOES_NOT_EXIST') return undefined
    throw error
  }
}

/**
 * The experiment, active or deleted, with that id or name.
 * @throws AmbiguousError when it is the id of one and the name of another
 */
export async function findExperiment({ ask }: Asked, name: string): Promise<Experiment> {
  const get = (path: string, query: Record<string, string>) =>
    ifThere(ask<{ experiment: Experiment }>({ path: mlflow(`experiments/${path}`, query) }))
  const [byId, byName] = await Promise.all([
    /^\d{1,19}$/.test(name) ? get('get', { experiment_id: name }) : undefined,
    get('get-by-name', { experiment_name: name }),
  ])
  const found = [byId, byName].flatMap((answer) => answer?.experiment ?? [])
  const [one, other] = found
  if (!one) throw new Error(`There is no experiment with the id or the name ${name}.`)
  if (other && other.experiment_id !== one.experiment_id)
    throw new AmbiguousError(
      `${name} is the id of an experiment and the name of another one. Name it by the other of its two names:`,
      found.map((experiment) => `${experiment.experiment_id}  ${experiment.name}`),
    )
  return one
}

/** Experiments by id. */
export type ExperimentNames = Map<string, string>

/** The experiments to look into, with their names: those that were asked for, else all that the view shows. */
export async function experimentsOf(asked: Asked): Promise<ExperimentNames> {
  const found = asked.experiments.length > 0 ? await findAll(asked) : await newestExperiments(asked)
  return new Map(found.map((experiment) => [experiment.experiment_id, experiment.name]))
}

const findAll = (asked: Asked) => Promise.all(asked.experiments.map((name) => findExperiment(asked, name)))

async function newestExperiments({ ask, view }: Asked): Promise<Experiment[]> {
  // Deleted runs may be those of active experiments, too.
  const view_type = view === 'active' ? VIEWS.active : VIEWS.all
  const body = { view_type, max_results: MOST_EXPERIMENTS, order_by: ['last_update_time DESC'] }
  const answer = await ask<{ experiments?: Experiment[]; next_page_token?: string }>({
    method: 'POST',
    path: mlflow('experiments/search'),
    body,
  })
  if (answer.next_page_token)
    process.stderr.write(
      `Only the ${MOST_EXPERIMENTS} experiments that changed last are looked into: name others with --experiment.\n`,
    )
  return answer.experiments ?? []
}

/**
 * The run with that id, or the only one with that name in the experiments that were asked for.
 * @throws AmbiguousError when several have it
 */
export async function findRun(asked: Asked, name: string, view: View): Promise<Run> {
  if (/^[0-9a-f]{32}$/.test(name)) {
    const byId = await ifThere(asked.ask<{ run: Run }>({ path: mlflow('runs/get', { run_id: name }) }))
    if (byId) return byId.run
  }
  const experiments = await experimentsOf({ ...asked, view })
  const body = {
    experiment_ids: [...experiments.keys()],
    filter: `attributes.run_name = ${quoted(name)}`,
    run_view_type: VIEWS[view],
    max_results: CANDIDATES + 1,
  }
  const { runs = [] } = await asked.ask<{ runs?: Run[] }>({
    method: 'POST',
    path: mlflow('runs/search'),
    body,
  })
  return onlyOne(runs, {
    what: `${view === 'all' ? '' : `${view} `}run`,
    name,
    describe: ({ info }) => {
      const started = info.start_time === undefined ? '' : timeAgo(Number(info.start_time), asked.nowMs)
      return `${info.run_id}  ${started.padEnd(10)}  ${experiments.get(info.experiment_id) ?? info.experiment_id}`
    },
  })
}

interface Wanted<Thing> {
  what: string
  name: string
  /** A candidate in a line: id first. */
  describe: (thing: Thing) => string
}

/** @throws Error for none, AmbiguousError for several */
export function onlyOne<Thing>(found: readonly Thing[], { what, name, describe }: Wanted<Thing>): Thing {
  const [one, ...others] = found
  if (one === undefined) throw new Error(`There is no ${what} with the id or the name ${name}.`)
  if (others.length === 0) return one
  const told = found.slice(0, CANDIDATES).map(describe)
  const more = found.length > CANDIDATES
  throw new AmbiguousError(
    `${more ? `More than ${CANDIDATES}` : found.length} ${what}s are named ${name}. Give the id of one:`,
    more ? [...told, '…'] : told,
  )
}
