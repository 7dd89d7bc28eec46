// What a filled store holds, told by numbers: every answer can be worked out here, and stores grow without a change.

/** The first runs are charted: each has a long history of `loss`, and is newer than all others. */
export const CHARTED = 10
/** One run of so many has a history of `curve`. */
const CURVED_EVERY = 500
export const CURVE_POINTS = 10_000
export const STEPS = 4
export const VERSIONS = 5
/** Run 0 has so many artifacts. */
export const ARTIFACTS = 20

const BEGAN = 1_700_000_000_000
const YEAR_MS = 365 * 86_400_000
const PRIME = 1_000_003
const OPTIMIZERS = ['adam', 'sgd', 'lion']
const FLAVORS = ['sklearn', 'pytorch', 'xgboost']
const EXTRA_METRICS = ['recall', 'auc']

/** Distinct for numbers below a million, and in no order. */
const share = (number, factor) => ((number * factor) % PRIME) / PRIME
const padded = (number, length = 6) => String(number).padStart(length, '0')

/**
 * @param sizes `{ runs, loggedModels, registeredModels, experiments, points }`; `points` are those of a charted run's
 *   history; without them, all metrics have four
 */
export function planOf({ loggedModels = 0, registeredModels = 0, experiments = 100, points = 0, ...sizes }) {
  const { runs } = sizes
  const plan = { runs: [], loggedModels: [], registeredModels: [], experiments, points }
  for (let i = 0; i < runs; i++) plan.runs.push(runOf(i, plan))
  for (let i = 0; i < loggedModels; i++) plan.loggedModels.push(loggedModelOf(i, plan))
  for (let i = 0; i < registeredModels; i++) plan.registeredModels.push(registeredModelOf(i, runs))
  return plan
}

export const experimentName = (index) => `experiment-${padded(index, 3)}`
export const experimentTeam = (index) => `team-${index % 7}`

/** Three quarters of the runs are in the first experiment, which is MLflow's default one. */
function experimentOf(number, experiments) {
  const isInFirst = experiments === 1 || number < CHARTED || number % 4 !== 3
  return isInFirst ? 0 : 1 + (Math.floor(number / 4) % (experiments - 1))
}

function runOf(number, { experiments, points }) {
  const isCharted = points > 0 && number < CHARTED
  const startTime = BEGAN + number * 60_000 + (isCharted ? YEAR_MS : 0)
  const loss = share(number, 7919)
  const extra = EXTRA_METRICS.slice(0, number % 3).map((key, k) => [key, share(number, 15_485 + k)])
  return {
    number,
    name: `run-${padded(number)}`,
    experiment: experimentOf(number, experiments),
    user: `user-${number % 20}`,
    status: statusOf(number),
    startTime,
    endTime: startTime + 10_000 + (number % 100) * 1000,
    metrics: { loss, accuracy: 1 - loss, f1: share(number, 104_729), ...Object.fromEntries(extra) },
    params: {
      optimizer: OPTIMIZERS[number % 3],
      layers: String(number % 12),
      rate: String(10 ** -(1 + (number % 4))),
      seed: String(number),
      note: `a few words about ${number % 1000} of them`,
    },
    tags: { team: `team-${number % 7}`, ...(number % 2 === 0 && { stage: number % 4 ? 'dev' : 'prod' }) },
    dataset: number % 5 === 0 ? datasetOf(number) : undefined,
    points: isCharted ? points : STEPS,
    curve: points > 0 && number % CURVED_EVERY === CHARTED ? CURVE_POINTS : 0,
  }
}

const statusOf = (number) => (number % 97 === 0 ? 'RUNNING' : number % 10 === 9 ? 'FAILED' : 'FINISHED')

function datasetOf(number) {
  const which = (number / 5) % 50
  return { name: `data-${which}`, digest: `digest${which}`, context: number % 10 ? 'training' : 'evaluation' }
}

/** A model that a run has written, with metrics that the run has too. */
function loggedModelOf(number, { runs }) {
  const source = runs[(number * 10) % runs.length]
  const metrics = { model_accuracy: share(number, 31_337), model_size: number % 100 }
  Object.assign(source.metrics, metrics)
  source.hasModel = true
  return {
    number,
    name: `model-${padded(number)}`,
    experiment: source.experiment,
    source: source.number,
    type: FLAVORS[number % 3],
    params: { depth: String(number % 10), kernel: `kernel-${number % 4}` },
    tags: { team: `team-${number % 7}`, reviewed: number % 2 ? 'yes' : 'no' },
    metrics,
  }
}

/** The counts of values of the first three tags have no common divisor, so that all their pairs come up. */
const registryTags = (number) => ({
  team: `v${number % 10}`,
  framework: `v${number % 7}`,
  region: `v${number % 3}`,
  owner: `v${number % 1000}`,
})

const registeredModelOf = (number, runs) => ({
  number,
  name: `registered-${padded(number)}`,
  tags: registryTags(number),
  versions: Array.from({ length: VERSIONS }, (_, v) => ({
    version: v + 1,
    run: runs ? (number * VERSIONS + v) % runs : undefined,
    source: `s3://bucket/${number}/${v + 1}`,
    tags: registryTags(number),
  })),
  aliases: { champion: 3, challenger: VERSIONS },
})

/** The value of a metric at a step of a history; at the last one it is what the run ends with. */
export const valueAt = (final, step, points) => final + (points - 1 - step) / points / 2
