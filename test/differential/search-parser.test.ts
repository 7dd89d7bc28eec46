// Reads thousands of generated filters with stock MLflow and with this server: both must read or refuse the same.
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { MlflowError } from '../../src/errors.ts'
import { wordKind } from '../../src/platform/search/keywords.ts'
import { parseExperimentFilter, parseExperimentOrderBy } from '../../src/tracking/experiments/search.ts'
import { parseLoggedModelFilter } from '../../src/tracking/logged-models/search.ts'
import { parseRunFilter, parseRunOrderBy } from '../../src/tracking/runs/search.ts'
import { tries } from '../support/chance.ts'
import { missing, useService } from '../support/services.ts'
import { askStock, type Reader, type StockAnswer } from '../support/stock-search.ts'
import { filterText, orderByText } from '../unit/platform/search/arbitrary-filters.ts'

/** Cases per reader and the seed they come from; a longer run takes others by the environment. */
const RUNS = Number(process.env.SEARCH_FUZZ_RUNS ?? tries(600, 3000))
const SEED = Number(process.env.SEARCH_FUZZ_SEED ?? 20260)

type Text = string | string[]
type Answer = { parsed: unknown[][] } | { refused: string; code: string }

const numberOrText = (value: unknown) => {
  if (typeof value === 'bigint') return { integer: String(value) }
  return Number.isFinite(value) || typeof value !== 'number' ? value : pythonName(value)
}
const pythonName = (value: number) => (Number.isNaN(value) ? 'nan' : value > 0 ? 'inf' : '-inf')

const comparisonRows = (
  parsed: readonly { type: string; key: string; comparator: string; value: unknown }[],
) => parsed.map(({ type, key, comparator, value }) => [type, key, comparator, numberOrText(value)])
const orderRows = (parsed: readonly { type: string; key: string; ascending: boolean }[]) =>
  parsed.map(({ type, key, ascending }) => [type, key, ascending])

const READERS: Record<Reader, (text: never) => unknown[][]> = {
  run_filter: (text: string) => comparisonRows(parseRunFilter(text)),
  experiment_filter: (text: string) => comparisonRows(parseExperimentFilter(text)),
  logged_model_filter: (text: string) => comparisonRows(parseLoggedModelFilter(text)),
  run_order_by: (clauses: string[]) => orderRows(parseRunOrderBy(clauses)),
  // Without the tie-breaker that is added behind the clauses.
  experiment_order_by: (clauses: string[]) =>
    orderRows(parseExperimentOrderBy(clauses)).slice(0, clauses.length),
}

/** @throws whatever is no MlflowError, so that a crash fails the test */
function readHere(reader: Reader, text: Text): Answer {
  try {
    return { parsed: READERS[reader](text as never) }
  } catch (error) {
    if (error instanceof MlflowError) return { refused: error.message, code: error.code }
    throw error
  }
}

/** Sets come in any order, integers as `{ integer }` to tell them from floats, which are the same here. */
const normalText = (text: string) =>
  text.replace(/\{([^{}]*)\}/g, (_, items: string) => `{${items.split(', ').sort().join(', ')}}`)
const normalRows = (rows: unknown[][]): unknown[][] =>
  rows.map((row) =>
    row.map((cell) => {
      const integer = (cell as { integer?: string } | null)?.integer
      return integer === undefined ? cell : Number(integer)
    }),
  )

/** Refusals that stock does not have: it fails later, or finds nothing without saying why. */
const OWN_REFUSALS = [
  /^A list of values .*needs IN or NOT IN/,
  /^Integer out of range/,
  /^Expected a number for/,
  /^Invalid attribute '/,
  /^Expected a value in single quotes/,
  /^Invalid key .* Use backticks/,
  /^While parsing a list in the query/,
  /It names no key\.$/,
]

const STATEMENT = /\b(alter|create|delete|drop|grant|insert|merge|replace|revoke|select|update|with)\b/i

interface Difference {
  reason: string
  allows: (text: string, stock: StockAnswer, here: Answer) => boolean
}

/** Where the answers may differ, and why. */
const DIFFERENCES: Difference[] = [
  {
    reason: 'stock answers 500, this server 400',
    allows: (_, stock, here) => stock.crashed !== undefined && isRefused(here),
  },
  {
    reason: 'stock answers 500 to aliases of timestamps behind `attributes.` or in backticks',
    allows: (text, stock) =>
      stock.crashed !== undefined && /(attributes\.|`)(creation_time|last_updated)/.test(text),
  },
  {
    reason: 'stock refuses another clause before it would fail at the one refused here',
    allows: (_, stock, here) =>
      stock.refused !== undefined && isRefused(here) && OWN_REFUSALS.some((own) => own.test(here.refused)),
  },
  {
    reason: 'duplicate fields are a mistake of the client, not an INTERNAL_ERROR',
    allows: (_, stock, here) =>
      stock.code === 'INTERNAL_ERROR' &&
      isRefused(here) &&
      normalText(`${stock.refused}`) === normalText(here.refused),
  },
  {
    reason: 'stock sorts by a metric, param or tag without a name, which is by nothing',
    allows: (_, stock, here) =>
      stock.parsed !== undefined && isRefused(here) && /It names no key\.$/.test(here.refused),
  },
  {
    reason: 'two strings without a comma are no item: Python joins them, SQL reads a quote',
    allows: (text, stock, here) =>
      stock.parsed !== undefined &&
      isRefused(here) &&
      /ill-formed/.test(here.refused) &&
      /['"]\s*[ruRU]?['"]/.test(text),
  },
  {
    reason: 'assignments, which no area has, end at the semicolon in stock: the texts differ',
    allows: (text, stock, here) => stock.refused !== undefined && isRefused(here) && /:=.*;/s.test(text),
  },
  {
    reason:
      'words that begin statements are keywords like any other here: texts differ before and behind commas',
    allows: (text, stock, here) =>
      stock.refused !== undefined && isRefused(here) && STATEMENT.test(text) && text.includes(','),
  },
  {
    reason: 'stock takes double quotes for a part of the keys and values of logged models',
    allows: (text, stock, here) =>
      stock.parsed !== undefined &&
      isRefused(here) &&
      /in single quotes|Use backticks/.test(here.refused) &&
      /["']/.test(text),
  },
  {
    reason: 'stock takes any Python literal into the lists of logged models',
    allows: (_, stock, here) =>
      isRefused(here) &&
      (stock.parsed ?? [])
        .flat()
        .some((cell) => Array.isArray(cell) && cell.some((item) => typeof item !== 'string')),
  },
  {
    reason: 'stock knows more keywords, rare words of single dialects, than this server',
    allows: (_, stock) => stock.keywords.some((word) => wordKind(word) === 'name'),
  },
]

const isRefused = (answer: Answer): answer is { refused: string; code: string } => 'refused' in answer

function isSame(stock: StockAnswer, here: Answer): boolean {
  if (!isRefused(here)) {
    return (
      JSON.stringify(normalRows(here.parsed)) === JSON.stringify(normalRows(stock.parsed ?? [['refused']]))
    )
  }
  return stock.code === here.code && normalText(stock.refused ?? '') === normalText(here.refused)
}

const reason = missing('python')
describe.skipIf(reason)(`The search language of stock MLflow${reason && ` (${reason})`}`, () => {
  const cases: [Reader, fc.Arbitrary<Text>][] = [
    ['run_filter', filterText],
    ['experiment_filter', filterText],
    ['logged_model_filter', filterText],
    ['run_order_by', fc.array(orderByText, { minLength: 1, maxLength: 2 })],
    ['experiment_order_by', fc.array(orderByText, { minLength: 1, maxLength: 2 })],
  ]
  test.each(cases)('is read alike as a %s', async (reader, arbitrary) => {
    const texts = fc.sample(
      arbitrary.filter((text) => !/\p{Surrogate}/u.test(String(text))),
      { numRuns: RUNS, seed: SEED },
    )
    const { command } = await useService('python')
    const answers = await askStock(command, reader, texts)
    const outcomes = texts.map((text, index) => {
      const stock = answers[index] as StockAnswer
      const here = readHere(reader, text)
      const allowed =
        isSame(stock, here) || DIFFERENCES.some(({ allows }) => allows(String(text), stock, here))
      return { text, stock, here, allowed }
    })
    // Else the comparison would be one of refusals only.
    expect(outcomes.filter(({ stock }) => stock.parsed).length).toBeGreaterThan(texts.length / 100)
    const unexpected = outcomes.filter(({ allowed }) => !allowed)
    expect(unexpected.length, JSON.stringify(unexpected.slice(0, 10), null, 1)).toBe(0)
  })
})
