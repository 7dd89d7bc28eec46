// The checker of histories finds what it is there for: each violation is planted in a history that has none.
import { describe, expect, it } from 'vitest'
import { checkHistory } from '../../chaos/history/check.ts'
import type {
  ExperimentView,
  Operation,
  Outcome,
  Point,
  Read,
  RunView,
  Span,
  Write,
} from '../../chaos/history/events.ts'
import { checkRegister } from '../../chaos/history/registers.ts'

interface Step {
  /** Invocation and return. */
  at: [number, number]
  writes?: Write[]
  reads?: Read[]
  outcome?: Outcome
  unexplained?: string
}

const history = (steps: Step[]): Operation[] =>
  steps.map(({ at: [invoked, returned], writes = [], reads = [], outcome = 'ok', unexplained }) => ({
    ...{ client: 0, server: 0, kind: 'test', status: 200, invoked, returned, writes, reads, outcome },
    ...(unexplained !== undefined && { unexplained }),
  }))

const point = (step: number, value = step): Point => ({ step, timestamp: 1000, value })
const run = (fields: Partial<RunView> = {}): RunView => ({
  ...{ id: 'r1', mark: 'm1', lifecycle: 'active', end: 'RUNNING ', params: [], tags: [], latest: [] },
  ...fields,
})
const experiment = (fields: Partial<ExperimentView> = {}): ExperimentView => ({
  ...{ id: 'e1', name: 'one', lifecycle: 'active', tags: [] },
  ...fields,
})

const newExperiment = (name = 'one', id = 'e1'): Write => ({ of: 'experiment', name, id })
const newRun: Write = { of: 'run', experimentId: 'e1', mark: 'm1', id: 'r1' }
const newPoint = (step: number, value = step): Write => ({
  ...{ of: 'point', runId: 'r1', key: 'loss' },
  point: point(step, value),
})
const param = (value: string): Write => ({ of: 'param', runId: 'r1', key: 'depth', value })
const tag = (value: string | undefined): Write => ({
  of: 'register',
  object: 'run r1',
  field: 'tag turn',
  value,
})
const lifecycle = (value: string): Write => ({ of: 'register', object: 'run r1', field: 'lifecycle', value })

const span = (number: number, more: Partial<Span> = {}): Write => ({
  of: 'span',
  traceId: 't1',
  span: {
    id: `s${number}`,
    isRoot: number === 0,
    startMs: 1000 + number,
    endMs: 2000,
    tokens: number,
    ...more,
  },
})
const readTrace = (info: string | undefined, ...numbers: number[]): Read => ({
  of: 'trace',
  traceId: 't1',
  spans: numbers.map((number) => `s${number}`),
  info,
})
/** A trace of two spans, of which the root comes last and one is sent again. */
const exported: Step[] = [
  { at: [10, 11], writes: [span(2)], outcome: 'unknown' },
  { at: [12, 13], writes: [span(2)] },
  { at: [14, 15], writes: [span(0)] },
]
const WHOLE = 'OK at 1000 for 1000 ms, 2 tokens'

const readRun = (fields: Partial<RunView> = {}): Read => ({ of: 'run', id: 'r1', run: run(fields) })
const readPoints = (...points: Point[]): Read => ({ of: 'history', runId: 'r1', key: 'loss', points })
const readName = (name: string, found?: ExperimentView): Read => ({ of: 'name', name, experiment: found })
const listing = (...experiments: ExperimentView[]): Read => ({ of: 'experiments', experiments })
const runListing = (...runs: RunView[]): Read => ({ of: 'runs', experimentId: 'e1', runs })

/** An experiment with a run, created one after the other. */
const created: Step[] = [
  { at: [1, 2], writes: [newExperiment()] },
  { at: [3, 4], writes: [newRun] },
]
/** Reads everything that a case wrote, after it. */
const final = (fields: Partial<RunView> = {}, points: Point[] = []): Step[] => [
  { at: [901, 902], reads: [readRun(fields)] },
  { at: [903, 904], reads: [readPoints(...points)] },
  { at: [905, 906], reads: [runListing(run(fields))] },
  { at: [907, 908], reads: [listing(experiment())] },
]
const latest = (step: number, value = step): Partial<RunView> => ({ latest: [['loss', point(step, value)]] })

const check = (...steps: Step[]) => checkHistory(history(steps))
const kinds = (...steps: Step[]) => [...new Set(check(...steps).violations.map(({ kind }) => kind))].sort()

describe('a history without violations', () => {
  it.each<[string, Step[]]>([
    ['has an experiment and a run', [...created, ...final()]],
    [
      'has points that come in any order, and one twice by a retry',
      [
        ...created,
        { at: [10, 20], writes: [newPoint(2)] },
        { at: [11, 19], writes: [newPoint(1)] },
        { at: [21, 22], writes: [newPoint(1)], outcome: 'unknown' },
        ...final(latest(2), [point(1), point(2)]),
      ],
    ],
    [
      'shows a write before its acknowledgement, or not',
      [
        ...created,
        { at: [10, 40], writes: [tag('a'), newPoint(1)] },
        { at: [11, 12], reads: [readRun(), readPoints()] },
        { at: [13, 14], reads: [readRun({ tags: [['turn', 'a']], ...latest(1) }), readPoints(point(1))] },
        ...final({ tags: [['turn', 'a']], ...latest(1) }, [point(1)]),
      ],
    ],
    [
      'has a trace whose spans come in any order, one of them twice',
      [
        ...created,
        { at: [8, 9], reads: [readTrace(undefined)] },
        ...exported.slice(0, 2),
        { at: [13.5, 13.6], reads: [readTrace('IN_PROGRESS at 1002 for 998 ms, 2 tokens', 2)] },
        ...exported.slice(2),
        { at: [800, 801], reads: [readTrace(WHOLE, 0, 2)] },
        ...final(),
      ],
    ],
    [
      'tells of a trace anything while an export of its spans has no answer',
      [
        ...created,
        { at: [10, 11], writes: [span(0)] },
        { at: [12, 13], writes: [span(1)], outcome: 'unknown' },
        { at: [14, 15], reads: [readTrace('OK at 1000 for 1000 ms, 0 tokens', 0, 1)] },
        ...final(),
      ],
    ],
    [
      'shows of a batch that was not acknowledged one half',
      [
        ...created,
        { at: [10, 11], writes: [newPoint(1), newPoint(2), param('3')], outcome: 'unknown' },
        ...final(latest(2), [point(1)]),
      ],
    ],
    [
      'gives a name to another experiment after a rename',
      [
        ...created,
        { at: [10, 12], writes: [{ of: 'rename', id: 'e1', name: 'two' }] },
        {
          at: [11, 13],
          reads: [{ of: 'taken', name: 'one' }],
          outcome: 'refused',
          writes: [newExperiment('one', 'e2')],
        },
        { at: [14, 15], writes: [newExperiment('one', 'e2')] },
        {
          at: [16, 17],
          reads: [readName('one', experiment({ id: 'e2' })), readName('two', experiment({ name: 'two' }))],
        },
        { at: [18, 19], reads: [listing(experiment({ name: 'two' }), experiment({ id: 'e2' }))] },
        ...final().slice(0, 3),
      ],
    ],
    [
      'refuses a param that another client gave another value',
      [
        ...created,
        { at: [10, 20], writes: [param('3')] },
        {
          at: [11, 19],
          writes: [param('4')],
          outcome: 'refused',
          reads: [{ of: 'conflict', runId: 'r1', params: [['depth', '4']] }],
        },
        ...final({ params: [['depth', '3']] }),
      ],
    ],
  ])('%s', (_title, steps) => {
    expect(check(...steps)).toMatchObject({ violations: [], withdrawn: [], lost: 0, duplicated: 0 })
  })
})

describe('a violation is found:', () => {
  it.each<[string, string[], Step[]]>([
    [
      'a run is gone',
      ['lost'],
      [...created, ...final().slice(0, 2), { at: [905, 906], reads: [runListing()] }, final()[3] as Step],
    ],
    [
      'a run is not found by its id on the other server',
      ['lost'],
      [...created, { at: [5, 6], reads: [{ of: 'run', id: 'r1', run: undefined }] }, ...final()],
    ],
    [
      'a run is listed twice',
      ['duplicated'],
      [...created, { at: [5, 6], reads: [runListing(run(), run())] }, ...final()],
    ],
    [
      'a run is shown that nobody created',
      ['phantom'],
      [...created, { at: [5, 6], reads: [runListing(run(), run({ id: 'r2', mark: 'm2' }))] }, ...final()],
    ],
    [
      'a run is shown without the tags of its creation',
      ['partial'],
      [
        ...created,
        { at: [5, 6], writes: [{ of: 'run', experimentId: 'e1', mark: 'm2' }], outcome: 'unknown' },
        { at: [7, 8], reads: [runListing(run(), run({ id: 'r2', mark: undefined }))] },
        ...final(),
      ],
    ],
    [
      'a point is gone, though the next one is there',
      ['lost'],
      [
        ...created,
        { at: [10, 11], writes: [newPoint(1)] },
        { at: [12, 13], writes: [newPoint(2)] },
        ...final(latest(2), [point(2)]),
      ],
    ],
    [
      'a point is missing in one read and there again in the last',
      ['lost'],
      [
        ...created,
        { at: [10, 11], writes: [newPoint(1)] },
        { at: [12, 13], reads: [readPoints()] },
        ...final(latest(1), [point(1)]),
      ],
    ],
    [
      'a point is there twice',
      ['duplicated'],
      [...created, { at: [10, 11], writes: [newPoint(1)] }, ...final(latest(1), [point(1), point(1)])],
    ],
    [
      'a point is there that nobody logged',
      ['phantom'],
      [...created, { at: [10, 11], writes: [newPoint(1)] }, ...final(latest(1), [point(1), point(1, 7)])],
    ],
    [
      'a point is there that was refused',
      ['phantom'],
      [
        ...created,
        { at: [8, 9], writes: [newPoint(1)] },
        { at: [10, 11], writes: [newPoint(2)], outcome: 'refused' },
        ...final(latest(2), [point(1), point(2)]),
      ],
    ],
    [
      'the latest metric is not the latest',
      ['stale'],
      [
        ...created,
        { at: [10, 11], writes: [newPoint(2)] },
        { at: [12, 13], writes: [newPoint(1)] },
        ...final(latest(1), [point(1), point(2)]),
      ],
    ],
    [
      'the latest metric goes by value when step and timestamp are equal',
      ['stale'],
      [
        ...created,
        { at: [10, 11], writes: [newPoint(1, 5)] },
        { at: [12, 13], writes: [newPoint(1, 3)] },
        ...final(latest(1, 3), [point(1, 3), point(1, 5)]),
      ],
    ],
    [
      'there is no latest metric',
      ['lost'],
      [...created, { at: [10, 11], writes: [newPoint(1)] }, ...final({}, [point(1)])],
    ],
    ['a param is gone', ['lost'], [...created, { at: [10, 11], writes: [param('3')] }, ...final()]],
    [
      'a param changes its value',
      ['changed'],
      [
        ...created,
        { at: [10, 11], writes: [param('3')] },
        { at: [12, 13], writes: [param('4')], outcome: 'unknown' },
        ...final({ params: [['depth', '4']] }),
      ],
    ],
    [
      'two clients were both acknowledged different values of a param',
      ['changed'],
      [
        ...created,
        { at: [10, 20], writes: [param('3')] },
        { at: [11, 19], writes: [param('4')] },
        ...final({ params: [['depth', '3']] }),
      ],
    ],
    [
      'a param is refused that nobody else logged',
      ['unexplained'],
      [
        ...created,
        {
          at: [10, 11],
          writes: [param('3')],
          outcome: 'refused',
          reads: [{ of: 'conflict', runId: 'r1', params: [['depth', '3']] }],
        },
        ...final(),
      ],
    ],
    [
      'a tag is older than what was acknowledged before',
      ['stale'],
      [
        ...created,
        { at: [10, 11], writes: [tag('a')] },
        { at: [12, 13], writes: [tag('b')] },
        { at: [14, 15], reads: [readRun({ tags: [['turn', 'a']] })] },
        ...final({ tags: [['turn', 'b']] }),
      ],
    ],
    [
      'a tag comes back after it was deleted',
      ['stale'],
      [
        ...created,
        { at: [10, 11], writes: [tag('a')] },
        { at: [12, 13], writes: [tag(undefined)] },
        ...final({ tags: [['turn', 'a']] }),
      ],
    ],
    [
      'copies disagree about the order of two tags',
      ['unordered'],
      [
        ...created,
        { at: [10, 21], writes: [tag('a')] },
        { at: [11, 20], writes: [tag('b')] },
        { at: [22, 23], reads: [readRun({ tags: [['turn', 'a']] })] },
        { at: [24, 25], reads: [readRun({ tags: [['turn', 'b']] })] },
        ...final({ tags: [['turn', 'a']] }),
      ],
    ],
    ['a tag is there that nobody set', ['phantom'], [...created, ...final({ tags: [['turn', 'a']] })]],
    [
      'a deleted run takes a metric',
      ['stale'],
      [
        ...created,
        { at: [10, 11], writes: [lifecycle('deleted')] },
        { at: [12, 13], reads: [{ of: 'register', object: 'run r1', field: 'lifecycle', value: 'active' }] },
        ...final({ lifecycle: 'deleted' }),
      ],
    ],
    [
      'an active run refuses a metric as deleted',
      ['phantom'],
      [
        ...created,
        { at: [12, 13], reads: [{ of: 'register', object: 'run r1', field: 'lifecycle', value: 'deleted' }] },
        ...final(),
      ],
    ],
    [
      'half of the end of a run is undone',
      ['phantom'],
      [
        ...created,
        { at: [10, 11], writes: [{ of: 'register', object: 'run r1', field: 'end', value: 'FINISHED 7' }] },
        ...final({ end: 'RUNNING 7' }),
      ],
    ],
    [
      'a span is gone',
      ['lost'],
      [...created, ...exported, { at: [800, 801], reads: [readTrace(WHOLE, 0)] }, ...final()],
    ],
    [
      'a trace with acknowledged spans is not found',
      ['lost', 'stale'],
      [...created, ...exported, { at: [800, 801], reads: [readTrace(undefined)] }, ...final()],
    ],
    [
      'a span is there twice',
      ['duplicated'],
      [...created, ...exported, { at: [800, 801], reads: [readTrace(WHOLE, 0, 2, 2)] }, ...final()],
    ],
    [
      'a span is there that nobody sent',
      ['phantom'],
      [...created, ...exported, { at: [800, 801], reads: [readTrace(WHOLE, 0, 2, 3)] }, ...final()],
    ],
    [
      'a trace counts tokens twice',
      ['stale'],
      [
        ...created,
        ...exported,
        { at: [800, 801], reads: [readTrace('OK at 1000 for 1000 ms, 4 tokens', 0, 2)] },
        ...final(),
      ],
    ],
    [
      'an experiment is gone',
      ['lost'],
      [...created, ...final().slice(0, 3), { at: [907, 908], reads: [listing()] }],
    ],
    ['a name is not found', ['lost'], [...created, { at: [10, 11], reads: [readName('one')] }, ...final()]],
    [
      'a name is found at an experiment that gave it up',
      ['stale'],
      [
        ...created,
        { at: [10, 11], writes: [{ of: 'rename', id: 'e1', name: 'two' }] },
        { at: [12, 13], reads: [readName('one', experiment({ name: 'two' }))] },
        ...final().slice(0, 3),
        { at: [907, 908], reads: [listing(experiment({ name: 'two' }))] },
      ],
    ],
    [
      'two experiments were given one name',
      ['shared name'],
      [
        ...created,
        { at: [10, 11], writes: [newExperiment('one', 'e2')] },
        ...final().slice(0, 3),
        { at: [907, 908], reads: [listing(experiment(), experiment({ id: 'e2' }))] },
      ],
    ],
    [
      'a free name is refused',
      ['free name refused'],
      [
        ...created,
        { at: [10, 11], writes: [{ of: 'rename', id: 'e1', name: 'two' }] },
        { at: [12, 13], reads: [{ of: 'taken', name: 'one' }], outcome: 'refused' },
        ...final().slice(0, 3),
        { at: [907, 908], reads: [listing(experiment({ name: 'two' }))] },
      ],
    ],
    [
      'an answer has no explanation',
      ['unexplained'],
      [...created, { at: [10, 11], unexplained: 'oops', outcome: 'unknown' }, ...final()],
    ],
    [
      'nobody looks at what was written last',
      ['unverified'],
      [...created, ...final(), { at: [910, 911], writes: [newPoint(1)] }],
    ],
  ])('%s', (_title, expected, steps) => {
    expect(kinds(...steps)).toEqual(expected)
  })

  it('what nobody acknowledged and what is gone later is told apart', () => {
    const findings = check(
      ...created,
      { at: [10, 11], writes: [newPoint(1), tag('a')], outcome: 'unknown' },
      { at: [12, 13], reads: [readPoints(point(1)), readRun({ tags: [['turn', 'a']], ...latest(1) })] },
      ...final(),
    )
    expect(findings.violations).toEqual([])
    expect(findings.withdrawn).toHaveLength(3)
  })

  it('each lost write is counted once', () => {
    const findings = check(
      ...created,
      { at: [10, 11], writes: [newPoint(1), newPoint(2), newPoint(3)] },
      { at: [12, 13], reads: [readPoints(point(3))] },
      ...final(latest(3), [point(3)]),
    )
    expect(findings).toMatchObject({ lost: 2, acknowledged: 5 })
  })
})

describe('a register', () => {
  const initial = { value: '0', from: 0, until: 0 }
  const read = (value: string, invoked: number) => ({ value, invoked, returned: invoked + 1 })

  it('may show an unacknowledged write late, but not go back from it', () => {
    const writes = [initial, { value: 'a', from: 1, until: Number.POSITIVE_INFINITY }]
    expect(checkRegister(writes, [read('0', 5), read('a', 10), read('a', 20)])).toEqual([])
    expect(checkRegister(writes, [read('0', 5), read('a', 10), read('0', 20)])).toMatchObject([
      { fault: 'unordered', withdrawn: true },
    ])
  })

  it('shows a value that was written twice as long as either write counts', () => {
    const writes = [initial, { value: 'a', from: 1, until: 2 }, { value: '0', from: 3, until: 4 }]
    expect(checkRegister(writes, [read('0', 5)])).toEqual([])
    expect(checkRegister(writes, [read('a', 5)])).toMatchObject([{ fault: 'stale' }])
  })
})
