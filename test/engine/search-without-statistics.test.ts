// Searches of a store that was filled through the API a moment ago: the planner has no statistics of it.
import { beforeAll, expect, it } from 'vitest'
import { startApp, type TestApp } from '../support/app.ts'
import { describeEachEngine } from '../support/engines.ts'

const RUNS = 2000
const AT_ONCE = 50
const PAGE = 100
/** Joins that are planned without statistics took a minute; now it is some tenths of a second, on a busy machine a few. */
const MANY_MS = 10_000

interface Run {
  id: string
  start: number
  metrics: Record<string, number>
  params: Record<string, string>
  tags: Record<string, string>
  dataset: string | undefined
}

/** One of `count` numbers, as if by chance: no two parts of a run go together. */
function pick(i: number, part: number, count: number): number {
  let mixed = Math.imul(i + 1, 0x9e3779b1) ^ Math.imul(part, 0x85ebca6b)
  mixed = Math.imul(mixed ^ (mixed >>> 15), 0x2c1b3c6d)
  return ((mixed ^ (mixed >>> 13)) >>> 0) % count
}

const makeRun = (i: number): Omit<Run, 'id'> => ({
  start: 1_700_000_000_000 + pick(i, 1, 500),
  metrics: {
    acc: pick(i, 2, 1000) / 1000,
    f1: pick(i, 3, 997) / 997,
    loss: i % 50 === 0 ? Number.NaN : pick(i, 4, 11),
    ...(i % 20 === 7 && { rare: i }),
  },
  params: {
    lr: ['0.1', '0.01', '0.001', '0.5'][pick(i, 5, 4)] as string,
    opt: pick(i, 6, 5) < 3 ? 'adam' : 'sgd',
    depth: String(pick(i, 7, 12)),
    seed: String(i),
    [`only-${i}`]: 'x',
    ...(i % 3 === 0 && { third: 'yes' }),
  },
  tags: { team: ['vision', 'nlp', 'rl'][pick(i, 8, 3)] as string, 'mlflow.runName': `run-${pick(i, 9, 40)}` },
  dataset: i % 8 === 0 ? `set-${pick(i, 10, 5)}` : undefined,
})

interface Case {
  filter: string
  holds: (run: Run) => boolean
  order_by: [string, string]
  /** The values to sort by; undefined for a run without one. */
  keys: (run: Run) => [value: number | string | undefined, descending: boolean][]
}

const { NaN: nan } = Number
const CASES: Case[] = [
  {
    filter:
      "metrics.acc > 0.1 AND metrics.f1 > 0.1 AND params.lr != '0.01' AND params.opt LIKE '%a%' AND tags.team != 'rl'",
    holds: ({ metrics: { acc = nan, f1 = nan }, params: { lr, opt }, tags }) =>
      acc > 0.1 && f1 > 0.1 && lr !== '0.01' && opt === 'adam' && tags.team !== 'rl',
    order_by: ['metrics.acc DESC', 'params.depth'],
    keys: ({ metrics, params }) => [
      [metrics.acc, true],
      [params.depth, false],
    ],
  },
  {
    filter:
      "params.third IS NULL AND params.depth != '3' AND run_name LIKE 'run-1%' AND metrics.loss != 4 AND tags.none IS NULL",
    holds: ({ metrics: { loss = nan }, params: { third, depth }, tags }) =>
      third === undefined && depth !== '3' && /^run-1/.test(tags['mlflow.runName'] ?? '') && loss !== 4,
    order_by: ['metrics.loss', 'params.seed DESC'],
    keys: ({ metrics, params }) => [
      [metrics.loss, false],
      [params.seed, true],
    ],
  },
  {
    filter:
      "dataset.name IN ('set-1', 'set-3') AND dataset.context = 'train' AND metrics.acc >= 0 AND params.third IS NOT NULL AND tags.team ILIKE '%L%'",
    holds: ({ dataset = '', params, tags: { team = '' } }) =>
      ['set-1', 'set-3'].includes(dataset) && params.third !== undefined && team !== 'vision',
    order_by: ['params.depth DESC', 'metrics.f1'],
    keys: ({ metrics, params }) => [
      [params.depth, true],
      [metrics.f1, false],
    ],
  },
  {
    filter:
      "metrics.acc > 0.01 AND metrics.f1 > 0.01 AND metrics.loss > 0.5 AND params.depth != '3' AND params.seed LIKE '%7%'",
    holds: ({ metrics: { acc = nan, f1 = nan, loss = nan }, params: { depth, seed = '' } }) =>
      acc > 0.01 && f1 > 0.01 && loss > 0.5 && depth !== '3' && seed.includes('7'),
    order_by: ['metrics.rare DESC', 'tags.team'],
    keys: ({ metrics, tags }) => [
      [metrics.rare, true],
      [tags.team, false],
    ],
  },
  {
    filter:
      "metrics.rare > 0 AND params.lr = '0.5' AND metrics.acc <= 1 AND tags.team != 'x' AND params.opt = 'adam'",
    holds: ({ metrics, params: { lr, opt } }) => metrics.rare !== undefined && lr === '0.5' && opt === 'adam',
    order_by: ['tags.team DESC', 'attributes.start_time'],
    keys: ({ start, tags }) => [
      [tags.team, true],
      [start, false],
    ],
  },
]

/** Ids of the runs that the search finds, in its order: absent values last, NaN before them. */
function expectedIds(runs: Run[], { holds, keys }: Case): string[] {
  const rank = (value: number | string | undefined) => (value === undefined ? 2 : Number.isNaN(value) ? 1 : 0)
  const compareKey = (
    a: number | string | undefined,
    b: number | string | undefined,
    descending: boolean,
  ) => {
    if (rank(a) !== rank(b) || rank(a) > 0) return rank(a) - rank(b)
    const less = (a as number) < (b as number)
    return a === b ? 0 : less === descending ? 1 : -1
  }
  const order = (a: Run, b: Run) => {
    const [first, second] = keys(a).map(([value, descending], i) =>
      compareKey(value, keys(b)[i]?.[0], descending),
    )
    return first || second || b.start - a.start || (a.id < b.id ? -1 : 1)
  }
  return runs
    .filter(holds)
    .sort(order)
    .map(({ id }) => id)
}

describeEachEngine('A store that was never analysed', (target) => {
  let server: TestApp
  let experimentId = ''
  const runs: Run[] = []

  async function post<Body>(path: string, body: unknown): Promise<Body> {
    const answer = await server.request('POST', `/api/2.0/mlflow/${path}`, body)
    expect(answer.status, JSON.stringify(answer.body)).toBe(200)
    return answer.body as Body
  }

  async function logRun(i: number, experiment_id: string): Promise<Run> {
    const made = makeRun(i)
    const { run } = await post<{ run: { info: { run_id: string } } }>('runs/create', {
      experiment_id,
      start_time: made.start,
    })
    const id = run.info.run_id
    const pairs = (values: Record<string, string>) =>
      Object.entries(values).map(([key, value]) => ({ key, value }))
    await post('runs/log-batch', {
      run_id: id,
      metrics: Object.entries(made.metrics).map(([key, value]) => ({
        ...{ key, timestamp: 1, step: 0 },
        value: Number.isNaN(value) ? 'NaN' : value,
      })),
      params: pairs(made.params),
      tags: pairs(made.tags),
    })
    if (made.dataset) {
      const dataset = { name: made.dataset, digest: 'd', source_type: 'local', source: '{}' }
      const tags = [{ key: 'mlflow.data.context', value: 'train' }]
      await post('runs/log-inputs', { run_id: id, datasets: [{ dataset, tags }] })
    }
    return { id, ...made }
  }

  beforeAll(async () => {
    server = await startApp(target)
    const created = await post<{ experiment_id: string }>('experiments/create', { name: 'many runs' })
    experimentId = created.experiment_id
    let next = 0
    const client = async () => {
      while (next < RUNS) {
        const i = next++
        runs[i] = await logRun(i, experimentId)
      }
    }
    await Promise.all(Array.from({ length: AT_ONCE }, client))
    // Runs of another experiment that hold the same, data sets among it.
    const other = await post<{ experiment_id: string }>('experiments/create', { name: 'the same elsewhere' })
    const alike = Array.from({ length: AT_ONCE }, (_, i) => logRun(24 * i, other.experiment_id))
    await Promise.all(alike)
    return () => server.close()
  })

  it.each(CASES)('is searched by $filter, sorted by $order_by, in no time', async (one) => {
    const expected = expectedIds(runs, one)
    const { filter, order_by } = one
    const found: string[] = []
    let page_token: string | undefined
    do {
      const begin = performance.now()
      const page = await post<{ runs?: { info: { run_id: string } }[]; next_page_token?: string }>(
        'runs/search',
        { experiment_ids: [experimentId], max_results: PAGE, filter, order_by, page_token },
      )
      expect(performance.now() - begin).toBeLessThan(MANY_MS)
      found.push(...(page.runs ?? []).map(({ info }) => info.run_id))
      page_token = page.next_page_token
    } while (page_token)
    expect(expected.length).toBeGreaterThan(0)
    expect(found).toEqual(expected)
  })
})
