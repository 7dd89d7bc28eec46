// Searches runs and experiments on every engine and with stock MLflow: all must find the same, in the same order.
import fc from 'fast-check'
import { beforeAll, describe, expect, it } from 'vitest'
import type { Engine } from '../../src/platform/database/engine.ts'
import { insertInputs } from '../../src/tracking/datasets/store.ts'
import { searchExperimentRows } from '../../src/tracking/experiments/search.store.ts'
import { parseExperimentFilter, parseExperimentOrderBy } from '../../src/tracking/experiments/search.ts'
import { insertExperiment, upsertExperimentTags } from '../../src/tracking/experiments/store.ts'
import { createRunWriter } from '../../src/tracking/runs/ingest.store.ts'
import { searchRunRows } from '../../src/tracking/runs/search.store.ts'
import { parseRunFilter, parseRunOrderBy } from '../../src/tracking/runs/search.ts'
import { describeEachEngine } from '../support/engines.ts'
import { missing, useService } from '../support/services.ts'
import { type Search, type StoredExperiment, type StoredRun, searchStock } from '../support/stock-search.ts'

/** Generated searches per engine; a longer run takes another number and seed by the environment. */
const RUNS = Number(process.env.SEARCH_FUZZ_RUNS ?? 150)
const SEED = Number(process.env.SEARCH_FUZZ_SEED ?? 20260)

const run = (position: number, changes: Partial<StoredRun>): StoredRun => ({
  name: `run-${position}`,
  user_id: position % 2 ? 'ada' : 'Bob',
  status: 'FINISHED',
  start_time: 1_700_000_000_000 + position,
  end_time: null,
  metrics: {},
  params: {},
  tags: {},
  datasets: [],
  ...changes,
})

const STORED: StoredExperiment[] = [
  {
    name: 'first',
    tags: { team: 'vision', 'my key': 'a%b' },
    runs: [
      run(1, { metrics: { acc: '0.5', loss: '2' }, params: { lr: '0.1', opt: 'adam' }, tags: { a: 'x' } }),
      run(2, { metrics: { acc: 'nan', loss: '-1' }, params: { lr: '0.01', opt: 'Adam' }, tags: { a: 'X' } }),
      run(3, { metrics: { acc: 'inf' }, params: { opt: 'a%b' }, tags: { a: 'a_b', 'b c': '' } }),
      run(4, {
        metrics: { acc: '-inf', loss: '1e300' },
        params: { opt: 'a\\b' },
        tags: { a: 'line\nbreak' },
      }),
      run(5, { metrics: { loss: '0' }, params: { lr: '', opt: "it's" }, status: 'RUNNING', end_time: 5 }),
      run(6, { metrics: { acc: '0', loss: 'nan' }, status: 'FAILED', end_time: 6, tags: { a: 'a\\b' } }),
      run(7, {
        datasets: [
          ['wine', 'd1', 'train'],
          ['wine', 'd2', 'eval'],
        ],
        params: { opt: 'ß日本😀' },
      }),
    ],
  },
  {
    name: 'Second',
    tags: { team: 'nlp' },
    runs: [
      run(8, { datasets: [['Wine', 'd3', '']], metrics: { acc: '0.5' }, tags: { a: 'axb' } }),
      run(9, {
        datasets: [['iris', 'd1', 'train']],
        metrics: { acc: '-0.5' },
        params: { lr: '10' },
        end_time: 9,
      }),
      run(10, {
        start_time: 1_700_000_000_500,
        end_time: 1_700_000_001_000,
        params: { lr: '9', fruit: 'ÄPFEL%' },
      }),
    ],
  },
  { name: 'third_one', tags: {}, runs: [] },
]

async function store(engine: Engine): Promise<void> {
  const write = createRunWriter(engine)
  for (const [position, { name, tags, runs }] of STORED.entries()) {
    const experimentId = String(position + 1)
    await insertExperiment(engine, {
      experimentId,
      name,
      nameFence: 0,
      artifactLocation: '/x',
      lifecycleStage: 'active',
      creationTimeMs: position + 1,
      lastUpdateTimeMs: position + 1,
    })
    const rows = Object.entries(tags).map(([key, value]) => ({ experimentId, key, value }))
    if (rows.length > 0) await upsertExperimentTags(engine, experimentId, rows)
    for (const one of runs) await storeRun(engine, write, experimentId, one)
  }
}

async function storeRun(
  engine: Engine,
  write: ReturnType<typeof createRunWriter>,
  experimentId: string,
  stored: StoredRun,
): Promise<void> {
  const runId = stored.name.replace('run-', '').padStart(32, '0')
  const child = ([key, value]: [string, string]) => ({ runId, experimentId, key, value })
  const tags = { ...stored.tags, 'mlflow.runName': stored.name, 'mlflow.user': stored.user_id }
  await write({
    runId,
    experimentId,
    params: Object.entries(stored.params).map(child),
    tags: Object.entries(tags).map(child),
    metrics: Object.entries(stored.metrics).map(([key, value]) => ({
      ...{ runId, experimentId, key, timestamp: 1, step: 0, month: '2023-11' },
      isNan: value === 'nan',
      value: value === 'nan' ? 0 : (INFINITIES[value] ?? Number(value)),
    })),
    run: {
      ...{ runId, experimentId, runName: stored.name, userId: stored.user_id, status: stored.status },
      ...{ startTime: stored.start_time, endTime: stored.end_time, deletedTimeMs: null },
      ...{ lifecycleStage: 'active', artifactUri: '/x' },
    },
  })
  const datasetIds = stored.datasets.map(([name, digest]) => `${name}-${digest}`)
  await insertInputs(engine, {
    datasets: stored.datasets.map(([name, digest], position) => ({
      ...{ datasetId: datasetIds[position] as string, experimentId, name, digest },
      ...{ sourceType: 'local', source: '{}', schema: null, profile: null },
    })),
    tags: stored.datasets.flatMap(([, , value], position) =>
      value ? [{ runId, datasetId: datasetIds[position] as string, name: 'mlflow.data.context', value }] : [],
    ),
    edges: datasetIds.map((sourceId, loggedOrder) => ({
      ...{
        sourceType: 'DATASET',
        sourceId,
        destinationType: 'RUN',
        destinationId: runId,
        step: 0,
        loggedOrder,
      },
    })),
  })
}

const INFINITIES: Record<string, number> = { inf: Number.MAX_VALUE, '-inf': -Number.MAX_VALUE }

async function search(engine: Engine, { kind, filter, order_by }: Search): Promise<(string | null)[]> {
  const page = { stages: ['active', 'deleted'], offset: 0, limit: 100 }
  if (kind === 'experiments') {
    const orderBy = parseExperimentOrderBy(order_by)
    const rows = await searchExperimentRows(engine, {
      ...page,
      filter: parseExperimentFilter(filter),
      orderBy,
    })
    return rows.map(({ name }) => name)
  }
  const orderBy = parseRunOrderBy(order_by)
  const experimentIds = STORED.map((_, position) => String(position + 1))
  const rows = await searchRunRows(engine, {
    ...page,
    experimentIds,
    filter: parseRunFilter(filter),
    orderBy,
  })
  return rows.map(({ runName }) => runName)
}

const of = <T>(...items: T[]) => fc.constantFrom(...items)
const quote = (value: string) => (value.includes("'") ? `"${value}"` : `'${value}'`)
const TEXTS = [
  'adam',
  'Adam',
  'a%',
  '%a%',
  'a_b',
  '_',
  'a\\b',
  'a\\%',
  '%\n%',
  'line%',
  "it's",
  '%',
  '',
  'X',
  '%本_',
]
const textComparison = fc
  .tuple(of('=', '!=', 'LIKE', 'ILIKE'), of(...TEXTS))
  .map(([comparator, value]) => `${comparator} ${quote(value)}`)
const nullComparison = of('IS NULL', 'IS NOT NULL')
const numbers = (...values: string[]) =>
  fc.tuple(of('=', '!=', '<', '<=', '>', '>='), of(...values)).map((parts) => parts.join(' '))
const clause = (keys: string[], comparisons: fc.Arbitrary<string>) =>
  fc.tuple(of(...keys), comparisons).map((parts) => parts.join(' '))

const runClause = fc.oneof(
  clause(
    ['metrics.acc', 'metrics.loss', 'metrics.none'],
    numbers('0', '0.5', '-1', '1e300', '1e400', '-1e400'),
  ),
  clause(['params.opt', 'params.lr', 'params.none'], fc.oneof(textComparison, nullComparison)),
  clause(['tags.a', 'tags.`b c`', 'tags.none'], fc.oneof(textComparison, nullComparison)),
  clause(
    ['dataset.name', 'dataset.digest', 'dataset.context'],
    of("= 'wine'", "!= 'wine'", "ILIKE 'WI%'", "IN ('d1', 'train')", "NOT IN ('d1', 'wine')", "LIKE 'd_'"),
  ),
  clause(
    ['run_name', 'attributes.`Run Name`'],
    of("= 'run-1'", "LIKE 'run-1%'", "!= 'run-2'", "ILIKE 'RUN-_'"),
  ),
  clause(['status', 'user_id'], of("= 'FINISHED'", "!= 'ada'", "ILIKE 'ADA'", "LIKE 'F%'")),
  clause(
    ['start_time', 'end_time', 'Created'],
    numbers(
      '6',
      '6.5',
      '1700000000003',
      '1700000000500',
      '-1e400',
      '9223372036854775807',
      '-9223372036854775808',
    ),
  ),
)
const runOrder = fc
  .uniqueArray(
    of(
      'metrics.acc',
      'metrics.loss',
      'params.lr',
      'params.opt',
      'tags.a',
      'end_time',
      'status',
      'user_id',
      'start_time',
      'run_name',
      'metrics.none',
    ),
    { maxLength: 3 },
  )
  .chain((keys) =>
    fc.tuple(...keys.map((key) => of('', ' ASC', ' DESC').map((direction) => key + direction))),
  )

const experimentClause = fc.oneof(
  clause(
    ['tags.team', 'tag.`my key`', 'tags.none'],
    of("= 'nlp'", "!= 'nlp'", "LIKE '%i%'", "ILIKE 'A\\%B'", 'IS NULL', 'IS NOT NULL'),
  ),
  clause(['name'], of("= 'first'", "!= 'first'", "LIKE '%i%'", "LIKE 'third_one'", "ILIKE 's%'")),
  clause(['experiment_id'], of("= '1'", "!= '01'", "IN ('1', '3')", "NOT IN ('2')")),
  clause(['creation_time'], numbers('0', '9223372036854775807', '-9223372036854775808')),
)
const experimentOrder = fc.array(of('name', 'name DESC', 'experiment_id', 'attribute.experiment_id DESC'), {
  maxLength: 2,
})

const joined = (clauses: fc.Arbitrary<string>) =>
  fc.array(clauses, { maxLength: 2 }).map((parts) => parts.join(' AND '))
const SEARCHES: Search[] = fc.sample(
  fc.oneof(
    {
      weight: 4,
      arbitrary: fc.record({ kind: of('runs' as const), filter: joined(runClause), order_by: runOrder }),
    },
    {
      weight: 1,
      arbitrary: fc.record({
        kind: of('experiments' as const),
        filter: joined(experimentClause),
        order_by: experimentOrder,
      }),
    },
  ),
  { numRuns: RUNS, seed: SEED },
)

describe('A search', () => {
  const noPython = missing('python')
  let expected: Awaited<ReturnType<typeof searchStock>>
  beforeAll(async () => {
    if (!noPython) expected = await searchStock((await useService('python')).command, STORED, SEARCHES)
  })

  describeEachEngine('of what is stored', (target) => {
    let engine: Engine
    beforeAll(async () => {
      engine = await target.open()
      await store(engine)
    })

    it.skipIf(noPython)(`finds what stock MLflow finds${noPython && ` (${noPython})`}`, async () => {
      for (const [position, one] of SEARCHES.entries()) {
        const text = JSON.stringify(one)
        expect({ text, found: await search(engine, one) }).toEqual({
          text,
          ...withoutDefault(expected[position]),
        })
      }
    })

    it('sorts numbers before NaN before absence, in both directions', async () => {
      const acc = (direction: string) =>
        search(engine, { kind: 'runs', filter: '', order_by: [`metrics.acc ${direction}`] })
      const absent = ['run-10', 'run-9', 'run-7', 'run-5'].filter((name) => name !== 'run-9')
      expect(await acc('ASC')).toEqual([
        'run-4',
        'run-9',
        'run-6',
        'run-8',
        'run-1',
        'run-3',
        'run-2',
        ...absent,
      ])
      expect(await acc('DESC')).toEqual([
        'run-3',
        'run-8',
        'run-1',
        'run-6',
        'run-9',
        'run-4',
        'run-2',
        ...absent,
      ])
    })

    it('finds NaN by no comparator but !=', async () => {
      const names = (filter: string) => search(engine, { kind: 'runs', filter, order_by: [] })
      expect(await names('metrics.acc <= 0 AND metrics.acc >= 0')).toEqual(['run-6'])
      expect(await names('metrics.acc != 0.5')).toEqual(['run-9', 'run-6', 'run-4', 'run-3', 'run-2'])
    })

    it('takes wildcards of LIKE for wildcards and backslashes for themselves', async () => {
      const names = (filter: string) => search(engine, { kind: 'runs', filter, order_by: [] })
      expect(await names("params.opt LIKE 'a_b'")).toEqual(['run-4', 'run-3'])
      expect(await names("params.opt LIKE 'a\\b'")).toEqual(['run-4'])
      expect(await names("params.opt LIKE 'ADAM'")).toEqual([])
      expect(await names("params.opt ILIKE 'ADAM'")).toEqual(['run-2', 'run-1'])
      // As on SQLite, letters beyond ASCII have a case of their own.
      expect(await names("params.fruit ILIKE 'Äpf%l%'")).toEqual(['run-10'])
      expect(await names("params.fruit ILIKE 'äpfel%'")).toEqual([])
      expect(await names("params.fruit ILIKE '%Ä%p%f%E%l%'")).toEqual(['run-10'])
    })

    it('takes as many clauses as stock can join, and more on attributes', async () => {
      const names = (clauses: string[]) =>
        search(engine, { kind: 'runs', filter: clauses.join(' AND '), order_by: [] })
      const joins = Array.from(
        { length: 63 },
        (_, i) =>
          [`metrics.acc > -${i + 1}`, `params.opt != 'no ${i}'`, `tags.a != 'no ${i}'`][i % 3] as string,
      )
      const attributes = Array.from({ length: 137 }, (_, i) => `attributes.start_time > ${i}`)
      expect(await names([...joins, ...attributes])).toEqual(['run-3', 'run-1'])
      expect(() => parseRunFilter([...joins, 'metrics.acc > 0'].join(' AND '))).toThrow(
        'at most 63 are allowed',
      )
      expect(() => parseRunFilter([...joins, ...attributes, 'start_time > 0'].join(' AND '))).toThrow(
        'at most 200 are allowed',
      )
    })

    it('answers pages that follow on each other', async () => {
      const all = await search(engine, { kind: 'runs', filter: '', order_by: ['params.lr DESC'] })
      const page = (offset: number) =>
        searchRunRows(engine, {
          ...{ stages: ['active'], experimentIds: ['1', '2'], filter: [], limit: 4, offset },
          orderBy: parseRunOrderBy(['params.lr DESC']),
        })
      const pages = [...(await page(0)), ...(await page(4)), ...(await page(8))]
      expect(pages.map(({ runName }) => runName)).toEqual(all)
    })

    it('finds one by one what it finds at once', async () => {
      for (const one of SEARCHES.filter(({ kind }) => kind === 'runs').slice(0, 40)) {
        const [filter, orderBy] = [parseRunFilter(one.filter), parseRunOrderBy(one.order_by)]
        const of = { stages: ['active'], experimentIds: ['1', '2'], filter, orderBy, offset: 0 }
        const all = await searchRunRows(engine, { ...of, limit: 100 })
        const found: typeof all = []
        for (let page = all.slice(0, 0); ; found.push(...page)) {
          page = await searchRunRows(engine, { ...of, limit: 1, after: found.at(-1)?.place })
          if (page.length === 0) break
        }
        expect({ one, found: found.map(({ runName }) => runName) }).toEqual({
          one,
          found: all.map(({ runName }) => runName),
        })
      }
    })

    it('sees a run that was acknowledged right before', async () => {
      await storeRun(engine, createRunWriter(engine), '4', run(99, { params: { fresh: 'yes' } }))
      const found = await searchRunRows(engine, {
        ...{ stages: ['active'], experimentIds: ['4'], orderBy: [], limit: 10, offset: 0 },
        filter: parseRunFilter("params.fresh = 'yes' AND run_name = 'run-99'"),
      })
      expect(found.map(({ runName }) => runName)).toEqual(['run-99'])
    })
  })
})

/** Stock's store brings an experiment of its own. */
const withoutDefault = (answer: { found?: string[]; refused?: string } | undefined) => ({
  ...answer,
  found: answer?.found?.filter((name) => name !== 'Default'),
})
