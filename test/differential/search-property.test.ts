// The same random searches against stock MLflow and ours, over the same data: the same runs in the same order.
import fc from 'fast-check'
import { beforeAll, expect, it } from 'vitest'
import { startApp, type TestApp } from '../support/app.ts'
import { tries } from '../support/chance.ts'
import { describeEachEngine } from '../support/engines.ts'
import { missing } from '../support/services.ts'
import { useStock } from '../support/stock-server.ts'
import { API, type Ask, runFilter, runOrder, type SeededData, seed, viewTypes } from './search-data.ts'

const CASES = tries(100, 1000)

interface Search {
  filter: string
  order_by: string[]
  run_view_type: string | undefined
  max_results: number
  experiments: number[]
}

const arbitrarySearch: fc.Arbitrary<Search> = fc.record({
  filter: runFilter,
  order_by: runOrder,
  run_view_type: viewTypes,
  max_results: fc.constantFrom(7, 100),
  experiments: fc.subarray([0, 1, 2], { minLength: 1 }),
})

/** Indexes of the found runs in order, over all pages; or the error. */
async function search(ask: Ask, data: SeededData, wanted: Search): Promise<unknown> {
  const { experiments, ...rest } = wanted
  const found: (number | undefined)[] = []
  let token: string | undefined
  do {
    const { status, body } = await ask('POST', `${API}/runs/search`, {
      ...rest,
      experiment_ids: experiments.map((i) => data.experimentIds[i]),
      page_token: token,
    })
    const answer = body as {
      runs?: { info: { run_id: string } }[]
      next_page_token?: string
    }
    // Stock answers some bad requests (such as one field sorted by twice) as errors of its own.
    if (status !== 200) return { status: status === 500 ? 400 : status }
    found.push(...(answer.runs ?? []).map((run) => data.runIndex.get(run.info.run_id)))
    token = answer.next_page_token
  } while (token)
  return found
}

const reason = missing('stock')

let seeded: Promise<{ stock: Ask; stockData: SeededData }> | undefined

/** The stock server with the data, seeded once for all engines. */
function seededStock() {
  seeded ??= useStock().then(async ({ request }) => ({
    stock: request,
    stockData: await seed(request, `searched-${crypto.randomUUID()}`),
  }))
  return seeded
}

describeEachEngine(`random searches over runs${reason && ` (${reason})`}`, (target) => {
  let ours: TestApp
  let ourData: SeededData
  let stock: Ask
  let stockData: SeededData

  beforeAll(async () => {
    if (reason) return
    ours = await startApp(target)
    ourData = await seed(ours.request, 'searched')
    ;({ stock, stockData } = await seededStock())
    return () => ours.close()
  })

  it.skipIf(reason)(`find the same runs in the same order as stock MLflow in ${CASES} cases`, async () => {
    let hits = 0
    await fc.assert(
      fc.asyncProperty(arbitrarySearch, async (wanted) => {
        const expected = await search(stock, stockData, wanted)
        expect(await search(ours.request, ourData, wanted)).toEqual(expected)
        if (Array.isArray(expected) && expected.length > 0) hits++
      }),
      { numRuns: CASES },
    )
    // Searches that find nothing prove little.
    expect(hits).toBeGreaterThan(CASES / 10)
  })
})
