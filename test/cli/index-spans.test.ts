// The index over the contents of spans, made by the command while servers use the store.
import { sql } from 'drizzle-orm'
import { afterAll, beforeAll, expect, it } from 'vitest'
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
    let experiment: string
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
    const index = () => runProgram(['db', 'index-spans', '--backend-store-uri', target.uri])

    beforeAll(async () => {
      app = await startApp(target)
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
      app = await startApp(target)
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

    it('mends what a killed one has left', async () => {
      const uri = await target.another()
      const engine = await target.open(uri)
      const left = sql`${sql.identifier(engine.schema)}.spans_indexed`
      await engine.execute(sql`CREATE TABLE ${left} (trace_id TEXT)`)
      await engine.execute(sql`ALTER TABLE spans SET ("blocks.write" = true)`)
      const { code, stdout } = await runProgram(['db', 'index-spans', '--backend-store-uri', uri])
      expect(stdout).toContain('contents of spans are indexed')
      expect(code).toBe(0)
      expect(await tableNames(engine)).not.toContain('spans_indexed')
      await engine.execute(sql`DELETE FROM spans WHERE trace_id = 'none'`)
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
