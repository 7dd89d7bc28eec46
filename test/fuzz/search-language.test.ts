// Filters and sort keys of all kinds, read and turned into SQL without a database.
import { PgDialect } from 'drizzle-orm/pg-core'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { MlflowError } from '../../src/errors.ts'
import type { Predicate } from '../../src/platform/search/comparison.ts'
import { compare } from '../../src/platform/search/to-sql.ts'
import {
  parseModelVersionFilter,
  parseModelVersionOrderBy,
  parseRegisteredModelFilter,
  parseRegisteredModelOrderBy,
} from '../../src/registry/model-registry/search.ts'
import { parseExperimentFilter, parseExperimentOrderBy } from '../../src/tracking/experiments/search.ts'
import { parseLoggedModelFilter, parseLoggedModelOrderBy } from '../../src/tracking/logged-models/search.ts'
import { parseRunFilter, parseRunOrderBy } from '../../src/tracking/runs/search.ts'
import { runs, tags } from '../../src/tracking/runs/tables.ts'
import { filterText, orderByText } from '../unit/platform/search/arbitrary-filters.ts'
import { budget, tellCases, timeoutOf } from './budget.ts'

/** Far more than any text of this length needs, far less than what grows beyond all measure. */
const SLOW_MS = 5000
/** Texts of SQL that a comparison may become: of the operators and types, and of nothing that was sent. */
const SHAPES = 100

const PROBES = [
  ...[
    "' OR '1'='1",
    "'; DROP TABLE runs; --",
    '") OR 1=1 --',
    '$1',
    "\\'",
    '\\x27; SELECT 1',
    '\0',
    '\ud800',
  ],
  ...['/*', '*/', '--', '__proto__', 'constructor', '\u2028', '；', '＇', '´', '$x', '%s', ':name', '?'],
]

const probed = (text: fc.Arbitrary<string>) =>
  fc.oneof(
    { weight: 6, arbitrary: text },
    {
      weight: 2,
      arbitrary: fc.tuple(text, fc.nat(), fc.constantFrom(...PROBES)).map(([whole, at, probe]) => {
        const place = at % (whole.length + 1)
        return whole.slice(0, place) + probe + whole.slice(place)
      }),
    },
    { weight: 1, arbitrary: fc.string({ unit: 'binary', maxLength: 100 }) },
    {
      weight: 1,
      arbitrary: fc
        .tuple(fc.constantFrom('tags', 'params', 'name', 'metrics'), fc.string({ unit: 'binary' }))
        .map(([entity, value]) => `${entity}.a = '${value}' AND ${entity}.\`${value}\` LIKE "${value}"`),
    },
  )

type Filter = (text: string) => readonly Predicate[]
const FILTERS: [string, Filter][] = [
  ['runs', parseRunFilter],
  ['experiments', parseExperimentFilter],
  ['logged models', (text) => parseLoggedModelFilter(text) as unknown as Predicate[]],
  ['registered models', (text) => parseRegisteredModelFilter(text) as unknown as Predicate[]],
  ['model versions', (text) => parseModelVersionFilter(text) as unknown as Predicate[]],
]
const ORDERS: [string, (clauses: string[]) => unknown][] = [
  ['runs', parseRunOrderBy],
  ['experiments', parseExperimentOrderBy],
  ['logged models', (clauses) => parseLoggedModelOrderBy(clauses.map((field_name) => ({ field_name })))],
  ['registered models', parseRegisteredModelOrderBy],
  ['model versions', parseModelVersionOrderBy],
]

/** What was read; undefined when it was refused as MLflow refuses. @throws what is no refusal, and what took long */
function readOrRefuse<T>(read: () => T): T | undefined {
  const start = performance.now()
  try {
    return read()
  } catch (error) {
    if (!(error instanceof MlflowError) || error.status >= 500) throw error
    return undefined
  } finally {
    expect(performance.now() - start).toBeLessThan(SLOW_MS)
  }
}

describe('the search language', () => {
  // These are cheap: twice the cases of a long run altogether, in little of its time.
  const limits = budget(2000, { cases: 0.2, minutes: 0.02 })
  const dialect = new PgDialect()

  it.each(FILTERS)(
    'reads or refuses filters of %s, and nothing of them becomes SQL',
    (area, parse) => {
      const shapes = new Set<string>()
      let [cases, read] = [0, 0]
      fc.assert(
        fc.property(probed(filterText), (text) => {
          cases++
          for (const predicate of readOrRefuse(() => parse(text)) ?? []) {
            read++
            const column = typeof predicate.value === 'string' ? tags.value : runs.startTime
            for (const likeBacktracks of [true, false]) {
              const { sql, params } = dialect.sqlToQuery(compare(column, predicate, { likeBacktracks }))
              shapes.add(sql)
              expect(params.length).toBeLessThanOrEqual(2)
            }
          }
        }),
        limits,
      )
      expect(read).toBeGreaterThan(cases / 100)
      expect(shapes.size, [...shapes].join('\n')).toBeLessThan(SHAPES)
      tellCases('none', `filters of ${area}`, cases)
    },
    timeoutOf(limits),
  )

  it.each(ORDERS)(
    'reads or refuses sort keys of %s',
    (area, parse) => {
      let cases = 0
      fc.assert(
        fc.property(fc.array(probed(orderByText), { minLength: 1, maxLength: 3 }), (clauses) => {
          cases++
          readOrRefuse(() => parse(clauses))
        }),
        limits,
      )
      tellCases('none', `sort keys of ${area}`, cases)
    },
    timeoutOf(limits),
  )
})
