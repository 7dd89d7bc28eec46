// The index over the contents of spans, made by the command while servers use the store.
import { sql } from 'drizzle-orm'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { spans } from '../../src/genai/traces/tables.ts'
import { tableNames } from '../../src/platform/database/migrate.ts'
import { startApp, type TestApp } from '../support/app.ts'
import { describeEachEngine } from '../support/engines.ts'
import { spansExport } from '../support/otlp.ts'
import { runProgram } from './program.ts'

const SEARCH = '/api/3.0/mlflow/traces/search'
const COUNT = 60
const MONTHS = ['1790000000000', '1793000000000', '1796000000000']
const TEXTS = [
  'the Needle of a tree',
  'ÄPFEL und Birnen',
  'ab',
  String.raw`C:\temp`,
  '100%_sure',
  '🌲🌳🌴 grove',
]

const FILTERS = [
  ...["LIKE '%needle%'", "LIKE '%Needle%'", "ILIKE '%NEEDLE%'", "LIKE '%eed%of%tree%'", "LIKE '%needle%of%'"],
  ...["LIKE '%ÄPFEL%'", "ILIKE '%äpfel%'", "ILIKE '%BIRNEN%'", "LIKE '%ab%'", "LIKE '%N__dle%'"],
  ...[
    "LIKE '%temp%'",
    "LIKE '%100%'",
    "LIKE '%sure%'",
    "LIKE '%🌲🌳🌴%'",
    "LIKE '%nowhere%'",
    "LIKE '%question%'",
  ],
].map((clause) => `span.content ${clause}`)
const OTHERS = [
  "span.attributes.question LIKE '%Needle%'",
  "span.attributes.question ILIKE '%needle%tree%'",
  "span.attributes.question RLIKE 'the N.*'",
  "span.content LIKE '%Needle%' AND span.name = 'answer 6'",
  "trace.text ILIKE '%needle%'",
]

const span = (i: number) => ({
  traceId: (i + 1).toString(16).padStart(32, '0'),
  spanId: (i + 1).toString(16).padStart(16, '0'),
  name: `answer ${i}`,
  startTimeUnixNano: `${MONTHS[i % MONTHS.length]}000000`,
  endTimeUnixNano: `${MONTHS[i % MONTHS.length]}000005`,
  attributes: [{ key: 'question', value: { stringValue: TEXTS[i % TEXTS.length] } }],
})

describeEachEngine(
  'crateflow db index-spans',
  (target) => {
    let app: TestApp
    let uri: string
    let experiment: string
    /** As a server that begins: it knows nothing of an index. */
    const start = async () => {
      app = await startApp(target, { engine: await target.open(uri) })
    }
    const send = (from: number, to: number) =>
      app.request('POST', '/v1/traces', {
        otlp: spansExport(Array.from({ length: to - from }, (_, i) => span(from + i))),
        as: 'json',
        headers: { 'x-mlflow-experiment-id': experiment },
      })
    const found = async (filter: string): Promise<string[]> => {
      const location = { type: 'MLFLOW_EXPERIMENT', mlflow_experiment: { experiment_id: experiment } }
      const { status, body } = await app.request('POST', SEARCH, { locations: [location], filter })
      expect(status).toBe(200)
      const { traces = [] } = body as { traces?: { trace_id: string }[] }
      return traces.map(({ trace_id }) => trace_id)
    }
    const allFound = async () =>
      Object.fromEntries(
        await Promise.all([...FILTERS, ...OTHERS].map(async (filter) => [filter, await found(filter)])),
      )
    /** All that are found, by pages. */
    const paged = async (filter: string, size: number, order_by: string[] = []): Promise<string[][]> => {
      const location = { type: 'MLFLOW_EXPERIMENT', mlflow_experiment: { experiment_id: experiment } }
      const pages: string[][] = []
      for (let page_token = ''; ; ) {
        const asked = { locations: [location], filter, max_results: size, order_by, page_token }
        const { status, body } = await app.request('POST', SEARCH, asked)
        expect(status, JSON.stringify(body)).toBe(200)
        const { traces = [], next_page_token = '' } = body as {
          traces?: { trace_id: string }[]
          next_page_token?: string
        }
        pages.push(traces.map(({ trace_id }) => trace_id))
        page_token = next_page_token
        if (!page_token) return pages
      }
    }
    const index = () => runProgram(['db', 'index-spans', '--backend-store-uri', uri])

    beforeAll(async () => {
      // Other suites get their tables as the migrations make them.
      uri = await target.another({ isNew: true })
      await start()
      const { body } = await app.request('POST', '/api/2.0/mlflow/experiments/create', { name: 'words' })
      experiment = (body as { experiment_id: string }).experiment_id
      expect((await send(0, COUNT)).status).toBe(200)
    })
    afterAll(() => app.close())

    it('finds the same traces before and after, on servers that know of it and on others', async () => {
      const before = await allFound()
      expect(before["span.content LIKE '%Needle%'"]).toHaveLength(10)
      expect(before["span.content LIKE '%needle%'"]).toHaveLength(0)
      expect(before["span.content LIKE '%nowhere%'"]).toHaveLength(0)

      const { code, stdout, stderr } = await index()
      expect(stderr).toBe('')
      expect(code).toBe(0)
      expect(stdout).toMatch(/^\d{4}-\d\d: 20 spans$/m)
      expect(stdout).toContain('contents of spans are indexed')
      // This server still believes that there is none.
      expect(await allFound()).toEqual(before)

      await app.close()
      await start()
      expect(await allFound()).toEqual(before)
    })

    it('takes spans and changes of spans afterwards, and has nothing to do a second time', async () => {
      expect((await send(COUNT, COUNT + 6)).status).toBe(200)
      expect((await send(0, 6)).status).toBe(200)
      expect(await found("span.content LIKE '%Needle%'")).toHaveLength(11)
      expect((await index()).stdout).toContain('nothing to do')
      expect((await send(COUNT, COUNT + 12)).status).toBe(200)
      expect(await found("span.content LIKE '%Needle%'")).toHaveLength(12)
    })

    it('finds page by page what few spans say, and what many do', async () => {
      // So many that newest traces are looked at first.
      expect((await send(COUNT + 12, COUNT + 1200)).status).toBe(200)
      const all = await paged("span.content LIKE '%Needle%'", 500)
      const ids = all.flat()
      expect(ids).toHaveLength((COUNT + 1200) / TEXTS.length)
      expect((await paged("span.content LIKE '%Needle%'", 37)).flat()).toEqual(ids)
      expect((await paged("span.content LIKE '%NEEDLE%'", 37)).flat()).toEqual([])
      const [upwards, downwards] = await Promise.all(
        ['ASC', 'DESC'].map((way) =>
          paged("span.content LIKE '%Needle%' AND tags.kind IS NULL", 50, [`request_id ${way}`]),
        ),
      )
      expect(upwards?.flat()).toEqual([...ids].sort())
      expect(downwards?.flat()).toEqual([...ids].sort().reverse())
      // All spans ask something: far more than are looked at in one go, of which a page is full at once.
      const asking = await paged("span.content LIKE '%question%'", 400)
      expect(asking.flat()).toHaveLength(COUNT + 1200)
      expect(new Set(asking.flat()).size).toBe(COUNT + 1200)
      expect((await paged("span.content LIKE '%QUESTION%'", 400)).flat()).toEqual([])
      expect((await paged("span.content LIKE '%question%' AND span.name = 'answer 7'", 5)).flat()).toEqual([
        `tr-${(8).toString(16).padStart(32, '0')}`,
      ])
    })

    it('has spans sent again meanwhile, and mends what a killed one has left', async () => {
      await app.close()
      uri = await target.another({ isNew: true })
      await start()
      const engine = await target.open(uri)
      const { body } = await app.request('POST', '/api/2.0/mlflow/experiments/create', { name: 'words' })
      experiment = (body as { experiment_id: string }).experiment_id
      expect((await send(0, 6)).status).toBe(200)
      // What it has done when it copies.
      await engine.execute(sql`CREATE TABLE ${sql.identifier(engine.schema)}.spans_indexed (trace_id TEXT)`)
      await engine.refresh(spans)
      for (const [month] of await engine.rows(sql`SELECT month FROM spans GROUP BY 1`)) {
        const literal = sql.raw(`'${month}'`)
        await engine.execute(
          sql`ALTER TABLE spans PARTITION (month = ${literal}) SET ("blocks.write" = true)`,
        )
      }
      expect((await send(0, 12)).status).toBe(503)
      expect(await found("span.content LIKE '%Needle%'")).toHaveLength(1)

      const { code, stdout } = await index()
      expect(stdout).toContain('contents of spans are indexed')
      expect(code).toBe(0)
      expect(await tableNames(engine)).not.toContain('spans_indexed')
      expect((await send(0, 12)).status).toBe(200)
      expect(await found("span.content LIKE '%Needle%'")).toHaveLength(2)
    })
  },
  ['CrateDB'],
)

describeEachEngine(
  'crateflow db index-spans',
  (target) => {
    it('is refused where there is no such index', async () => {
      const { code, stderr } = await runProgram(['db', 'index-spans', '--backend-store-uri', target.uri])
      expect(stderr).toBe('crateflow: Only CrateDB has an index for parts of texts.\n')
      expect(code).toBe(2)
    })
  },
  ['PGlite'],
)
