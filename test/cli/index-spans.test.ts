// The index over the contents of spans, made by the command while servers use the store.
import { sql } from 'drizzle-orm'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { spans } from '../../src/genai/traces/tables.ts'
import type { Engine } from '../../src/platform/database/engine.ts'
import { findLease, moveLease } from '../../src/platform/database/leases.ts'
import { tableNames } from '../../src/platform/database/migrate.ts'
import { startApp, type TestApp } from '../support/app.ts'
import { openMigrated } from '../support/databases.ts'
import { describeEachEngine, describeEveryEngine, type EngineTarget } from '../support/engines.ts'
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
    String.raw`LIKE '%C:\\%temp%'`,
    String.raw`LIKE '%:\\\\temp%'`,
    String.raw`ILIKE '%c:\\\\TEMP%'`,
    `LIKE '%needle ${'y'.repeat(120)}%'`,
    `LIKE '%${Array.from({ length: 30 }, (_, i) => `abc${i}`).join('%')}%'`,
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

async function inTurn<T>(times: number, ask: () => Promise<T>): Promise<T[]> {
  const answers: T[] = []
  while (answers.length < times) answers.push(await ask())
  return answers
}

/** A store of its own with a server, which only CrateDB and PostgreSQL leave running while the index is made. */
function useWords(target: EngineTarget) {
  let app: TestApp
  let uri: string
  let experiment: string

  async function begin(): Promise<void> {
    // Other suites get their tables as the migrations make them.
    uri = await target.another({ isNew: true })
    await start()
    const { body } = await app.request('POST', '/api/2.0/mlflow/experiments/create', { name: 'words' })
    experiment = (body as { experiment_id: string }).experiment_id
  }

  async function start(): Promise<void> {
    app = await startApp(target, { uri })
  }

  async function search(asked: object): Promise<{ ids: string[]; next: string }> {
    const location = { type: 'MLFLOW_EXPERIMENT', mlflow_experiment: { experiment_id: experiment } }
    const { status, body } = await app.request('POST', SEARCH, { locations: [location], ...asked })
    expect(status, JSON.stringify(body)).toBe(200)
    const { traces = [], next_page_token: next = '' } = body as {
      traces?: { trace_id: string }[]
      next_page_token?: string
    }
    return { ids: traces.map(({ trace_id }) => trace_id), next }
  }

  const found = async (filter: string) => (await search({ filter })).ids

  return {
    begin,
    engine: () => app.engine,
    end: () => app.close(),
    send: (from: number, to: number) =>
      app.request('POST', '/v1/traces', {
        otlp: spansExport(Array.from({ length: to - from }, (_, i) => span(from + i))),
        as: 'json',
        headers: { 'x-mlflow-experiment-id': experiment },
      }),
    found,
    allFound: async () =>
      Object.fromEntries(
        await Promise.all([...FILTERS, ...OTHERS].map(async (filter) => [filter, await found(filter)])),
      ),
    /** All that are found, by pages. */
    async paged(filter: string, size: number, order_by: string[] = []): Promise<string[][]> {
      const pages: string[][] = []
      for (let page_token = ''; ; ) {
        const { ids, next } = await search({ filter, max_results: size, order_by, page_token })
        pages.push(ids)
        page_token = next
        if (!page_token) return pages
      }
    },
    async index() {
      const isAlone = target.name === 'PGlite'
      if (isAlone) await app.close()
      const ended = await runProgram(['db', 'index-spans', '--backend-store-uri', uri])
      if (isAlone) await start()
      return ended
    },
    /** Another server, which knows nothing of an index yet. */
    async startAnew() {
      await app.close()
      await start()
    },
  }
}

describeEveryEngine('crateflow db index-spans', (target) => {
  const { begin, end, engine, send, found, allFound, paged, index, startAnew } = useWords(target)
  beforeAll(async () => {
    await begin()
    expect((await send(0, COUNT)).status).toBe(200)
  })
  afterAll(end)

  it('finds the same traces before and after, on servers that know of it and on others', async () => {
    const before = await allFound()
    expect(before["span.content LIKE '%Needle%'"]).toHaveLength(10)
    expect(before["span.content LIKE '%needle%'"]).toHaveLength(0)
    expect(before["span.content LIKE '%nowhere%'"]).toHaveLength(0)
    expect(before[String.raw`span.content LIKE '%:\\\\temp%'`]).toHaveLength(10)

    const { code, stdout, stderr } = await index()
    expect(stderr).toBe('')
    expect(code).toBe(0)
    if (target.name === 'CrateDB') expect(stdout).toMatch(/^\d{4}-\d\d: 20 spans$/m)
    expect(stdout).toContain('contents of spans are indexed')
    // This server still believes that there is none.
    expect(await allFound()).toEqual(before)

    await startAnew()
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
    // All spans ask something, so that a page is full at once.
    const asking = await paged("span.content LIKE '%question%'", 400)
    expect(asking.flat()).toHaveLength(COUNT + 1200)
    expect(new Set(asking.flat()).size).toBe(COUNT + 1200)
    // The database plans statements anew that it has seen some times.
    const [first, ...others] = await inTurn(8, () => paged("span.content ILIKE '%needle%of%TREE%'", 100))
    for (const other of others) expect(other).toEqual(first)
    expect(first?.flat()).toEqual(ids)
    const named = await paged("span.content ILIKE '%needle%'", 30, ['timestamp_ms DESC', 'tags.kind', 'name'])
    expect([...named.flat()].sort()).toEqual([...ids].sort())
    expect((await paged("span.content LIKE '%QUESTION%'", 400)).flat()).toEqual([])
    expect((await paged("span.content LIKE '%question%' AND span.name = 'answer 7'", 5)).flat()).toEqual([
      `tr-${(8).toString(16).padStart(32, '0')}`,
    ])
  })

  it('finds words that more spans have than are looked at in one go', async () => {
    for (let from = COUNT + 1200; from < COUNT + 4800; from += 1200) await send(from, from + 1200)
    const count = (COUNT + 4800) / TEXTS.length
    const pages = await paged("span.content LIKE '%question%' AND span.content ILIKE '%birnen%'", 250)
    expect(pages.flat()).toHaveLength(count)
    expect(new Set(pages.flat()).size).toBe(count)
  })

  it.skipIf(target.name === 'CrateDB')(
    'is left to others who have just begun, if there can be any',
    async () => {
      const lease = { name: 'index of texts', ownerId: 'another', untilMs: Date.now() + 60_000 }
      const drop = sql`DROP INDEX ${sql.identifier(engine().schema)}.spans_content_parts`
      await engine().execute(drop)
      const seen = await findLease(engine(), lease.name)
      expect(await moveLease(engine(), seen, lease)).toBe(true)
      const { stdout, stderr } = await index()
      if (target.name === 'PGlite') expect(stdout).toContain('contents of spans are indexed')
      else {
        expect(stderr).toContain('The index is being made at the moment.')
        await moveLease(engine(), lease, { ...lease, untilMs: 0 })
        expect((await index()).stdout).toContain('contents of spans are indexed')
      }
    },
  )

  it.skipIf(target.name === 'CrateDB')('makes anew what a killed one has not completed', async () => {
    await engine().execute(
      sql`UPDATE pg_index SET indisvalid = false WHERE indexrelid = ${`${engine().schema}.spans_content_parts`}::regclass`,
    )
    expect((await index()).stdout).toContain('contents of spans are indexed')
    expect((await index()).stdout).toContain('nothing to do')
    expect(await found("span.content LIKE '%answer 7%'")).not.toHaveLength(0)
  })
})

describeEachEngine(
  'crateflow db index-spans that others have begun',
  (target) => {
    const { begin, end, engine, send, found, index } = useWords(target)
    beforeAll(begin)
    afterAll(end)

    it('has spans sent again meanwhile, and mends what a killed one has left', async () => {
      expect((await send(0, 6)).status).toBe(200)
      // What it has done when it copies.
      const { schema } = engine()
      await engine().execute(sql`CREATE TABLE ${sql.identifier(schema)}.spans_indexed (trace_id TEXT)`)
      await engine().refresh(spans)
      for (const [month] of await engine().rows(sql`SELECT month FROM spans GROUP BY 1`)) {
        const literal = sql.raw(`'${month}'`)
        await engine().execute(
          sql`ALTER TABLE spans PARTITION (month = ${literal}) SET ("blocks.write" = true)`,
        )
      }
      expect((await send(0, 12)).status).toBe(503)
      expect(await found("span.content LIKE '%Needle%'")).toHaveLength(1)

      const { code, stdout } = await index()
      expect(stdout).toContain('contents of spans are indexed')
      expect(code).toBe(0)
      expect(await tableNames(engine())).not.toContain('spans_indexed')
      expect((await send(0, 12)).status).toBe(200)
      expect(await found("span.content LIKE '%Needle%'")).toHaveLength(2)
    })
  },
  ['CrateDB'],
)

describeEachEngine(
  'crateflow db index-spans in databases of their own',
  (target) => {
    /** Other suites' database may have the extension. */
    async function inDatabase(options: string, run: (own: Engine, uri: string) => Promise<void>) {
      const admin = await target.open()
      const name = `own_${crypto.randomUUID().replaceAll('-', '')}`
      await admin.execute(sql.raw(`CREATE DATABASE ${name} ${options}`))
      const uri = target.uri.replace(/\/\w*\?/, `/${name}?`)
      const own = await openMigrated(uri)
      try {
        await run(own, uri)
      } finally {
        await own.close()
        await admin.execute(sql.raw(`DROP DATABASE ${name}`))
      }
    }
    const index = (uri: string) => runProgram(['db', 'index-spans', '--backend-store-uri', uri])

    it('tells who may not make extensions what an administrator has to do', async () => {
      await inDatabase('', async (own, uri) => {
        const role = `poor_${crypto.randomUUID().replaceAll('-', '')}`
        const run = (text: string) => own.execute(sql.raw(text))
        await run(`CREATE ROLE ${role} LOGIN`)
        await run(`GRANT USAGE ON SCHEMA ${own.schema} TO ${role}`)
        await run(`GRANT ALL ON ALL TABLES IN SCHEMA ${own.schema} TO ${role}`)
        try {
          const { code, stderr } = await index(uri.replace(/:\/\/([^@/]*@)?/, `://${role}@`))
          expect(stderr).toContain('let an administrator run in this database: CREATE EXTENSION pg_trgm')
          expect(code).toBe(1)
        } finally {
          await run(`DROP OWNED BY ${role}`)
          await run(`DROP ROLE ${role}`)
        }
      })
    })

    it('is refused where letters become small by what stands beside them', async () => {
      await inDatabase("TEMPLATE template0 LOCALE_PROVIDER icu ICU_LOCALE 'en'", async (_own, uri) => {
        const { code, stderr } = await index(uri)
        expect(stderr).toContain('The locale of this database makes letters small by what stands beside them')
        expect(code).toBe(1)
      })
    })

    it('is made by one of several commands at a time', async () => {
      await inDatabase('', async (_own, uri) => {
        const ended = await Promise.all([index(uri), index(uri), index(uri)])
        const told = ended.map(({ stdout, stderr }) => stdout + stderr)
        expect(told.filter((text) => text.includes('contents of spans are indexed'))).toHaveLength(1)
        for (const text of told) expect(text).toMatch(/are indexed|nothing to do|is being made at the moment/)
        expect((await index(uri)).stdout).toContain('nothing to do')
      })
    })
  },
  ['PostgreSQL'],
)
