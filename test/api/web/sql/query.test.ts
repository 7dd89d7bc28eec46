// SQL over HTTP: values, what is refused, and that statements that read too long hold up nobody.
import { sql } from 'drizzle-orm'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { startApp, type TestApp } from '../../../support/app.ts'
import { makeViews } from '../../../support/databases.ts'
import { describeEveryEngine } from '../../../support/engines.ts'

const PATH = '/api/crateflow/1.0/sql/query'

interface Answer {
  status: number
  columns: { name: string; type: string }[]
  rows: unknown[][]
  /** The last line. */
  end: Record<string, unknown>
}

async function ask(app: TestApp, statement: string, headers: Record<string, string> = {}): Promise<Answer> {
  const { statusCode, body } = await app.app.inject({
    method: 'POST',
    url: PATH,
    headers: { 'content-type': 'application/json', ...headers },
    payload: JSON.stringify({ statement }),
  })
  const lines = body
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line))
  return {
    status: statusCode,
    columns: lines[0].columns ?? [],
    rows: lines.filter((line) => Array.isArray(line)),
    end: lines.at(-1),
  }
}

describeEveryEngine('SQL over HTTP', (target) => {
  const isCrateDb = target.name === 'CrateDB'
  let app: TestApp
  let dropViews: () => Promise<void>
  let runId: string

  beforeAll(async () => {
    app = await startApp(target, { sql: { access: 'loopback', timeoutMs: 2_000 } })
    dropViews = await makeViews(app.engine)
    const created = await app.request('POST', '/api/2.0/mlflow/runs/create', {
      experiment_id: '0',
      run_name: 'first',
      start_time: 1_700_000_000_000,
    })
    runId = (created.body as { run: { info: { run_id: string } } }).run.info.run_id
    const metric = (key: string, value: unknown) => ({ key, value, timestamp: 1_700_000_000_000 })
    const logged = await app.request('POST', '/api/2.0/mlflow/runs/log-batch', {
      run_id: runId,
      metrics: [metric('loss', 0.5), metric('broken', 'NaN'), metric('far', 'Infinity')].map((one) => ({
        ...one,
        step: 3,
      })),
      params: [{ key: 'a/b c.d', value: 'line\nbreak "x"' }],
    })
    expect(logged.status).toBe(200)
  })
  afterAll(async () => {
    await dropViews()
    // A client that left before it said anything has left its connection open: a server waits a minute for such a one.
    app.app.server.closeAllConnections()
    await app.close()
  })

  it('answers values by their types, with what was acknowledged just before', async () => {
    const answer = await ask(
      app,
      `SELECT run_id, metrics, nan_metrics, params, started_at, ended_at, lifecycle_stage = 'active' AS is_active,
         metrics['loss']::DOUBLE PRECISION AS loss, experiment_id, 9007199254740993 AS large
       FROM v1_runs;`,
    )
    expect(answer.columns.map(({ type }) => type)).toEqual([
      ...['text', 'json', 'text[]', 'json', 'timestamp', 'timestamp', 'boolean', 'double precision'],
      ...['bigint', 'bigint'],
    ])
    expect(answer.rows).toEqual([
      [
        runId,
        { loss: 0.5, far: Number.MAX_VALUE },
        ['broken'],
        { 'a/b c.d': 'line\nbreak "x"' },
        expect.stringMatching(/^2023-11-14 22:13:20(\.0+)?$/),
        null,
        true,
        0.5,
        0,
        '9007199254740993',
      ],
    ])
    expect(answer.end).toEqual({ rows: 1 })
  })

  it('answers all rows of a large result, in order', async () => {
    const { rows, end } = await ask(app, 'SELECT i, i * 2 FROM generate_series(1, 20000) AS t(i) ORDER BY i')
    expect(end).toEqual({ rows: 20_000 })
    expect(rows[12_344]).toEqual([12_345, 24_690])
  })

  it.each([
    "SELECT 1 AS a, ';' AS b -- a comment; DROP TABLE runs",
    'SELECT 1 AS a /* one; two */',
    'WITH x AS (SELECT 1 AS a) SELECT a FROM x',
    'VALUES (1), (2)',
    '(SELECT 1 AS a)',
    'SHOW search_path',
    'EXPLAIN SELECT 1',
    'SELECT * FROM v1_lineage',
  ])('takes %s', async (statement) => {
    expect(await ask(app, statement)).toMatchObject({ status: 200, end: { rows: expect.any(Number) } })
  })

  it.each([
    ['a second statement', 'SELECT 1; DELETE FROM runs'],
    ['a second one behind a comment', "SELECT 1 /* ; */ ; DELETE FROM runs WHERE '1' = '1'"],
    ['a way out of parentheses', 'SELECT 1) AS q; DELETE FROM runs; --'],
    ['a way out behind WITH', 'WITH x AS (SELECT 1) SELECT 1) AS q; DELETE FROM runs; --'],
    ['a deletion', 'DELETE FROM runs'],
    ['an insertion that answers', "INSERT INTO runs (run_id) VALUES ('x') RETURNING run_id"],
    ['a deletion in WITH', 'WITH x AS (DELETE FROM runs RETURNING run_id) SELECT * FROM x'],
    ['a deletion that is explained', 'EXPLAIN ANALYZE DELETE FROM runs'],
    [
      'one in WITH that is explained',
      'EXPLAIN ANALYZE WITH x AS (DELETE FROM runs RETURNING run_id) SELECT * FROM x',
    ],
    ['a new table', 'SELECT * INTO mine FROM runs'],
    ['a drop', 'DROP TABLE runs'],
    ['a way to files', "COPY runs TO '/tmp/runs.csv'"],
    ['a way to folders', "COPY runs TO DIRECTORY '/tmp'"],
    ['a setting', 'SET search_path TO doc'],
    ['another role', 'RESET ROLE'],
    ['code', 'DO $$ BEGIN PERFORM pg_sleep(1); END $$'],
    ['a commit', 'COMMIT'],
    ['the end of a session', 'KILL ALL'],
    ['locks', 'LOCK TABLE runs'],
    ['nothing', '  -- nothing'],
    ['a table that is not there', 'SELECT * FROM nosuch'],
    ['no SQL', 'SELEKT 1'],
    ['names by code points', 'SELECT U&"\\0070g_sleep"(1)'],
    ['comments in comments', "SELECT '' /* /* */ ' */ || version()"],
    ['names with dollars', 'SELECT 1 AS a$b'],
    ['a call behind a no-break space', "SELECT 1 AS \u00a0$$, pg_read_file('/etc/hostname') AS x$$"],
    ['a call behind a byte order mark', "SELECT 1 AS \ufeff$$, pg_read_file('/etc/hostname') AS x$$"],
  ])('refuses %s', async (_what, statement) => {
    const { status, end } = await ask(app, statement)
    expect({ status, end }).toMatchObject({ status: 400, end: { error_code: expect.any(String) } })
    expect((await ask(app, 'SELECT count(*) FROM runs')).rows).toEqual([[1]])
  })

  it
    .runIf(!isCrateDb)
    .each([
      "pg_read_file('/etc/hostname')",
      '"pg_read_file"(\'/etc/hostname\')',
      "pg_catalog . pg_read_file /* x */ ('/etc/hostname')",
      "lo_import('/etc/hostname')",
      'pg_terminate_backend(pg_backend_pid())',
      "set_config('role', 'none', false)",
      "set_config('transaction_read_only', 'off', false)",
      'pg_advisory_lock(1)',
      "query_to_xml('SELECT secret FROM webhooks', true, true, '')",
      "pg_notify('a', 'b')",
      "nextval('x')",
      "E'\\'' || pg_read_file('/etc/hostname') || ''",
      "$a$ $b$ $a$ || pg_read_file('/etc/hostname')",
    ])('refuses to call %s', async (call) => {
    const { status, end } = await ask(app, `SELECT ${call}`)
    expect({ status, end }).toMatchObject({
      status: expect.toSatisfy((code) => code === 400 || code === 403),
      end: { message: expect.stringMatching(/may do more than answer|does not show/) },
    })
  })

  it.each([
    'SELECT secret FROM webhooks',
    'SELECT * FROM "webhooks"',
    'SELECT count(*) FROM webhook_deliveries',
    ...(isCrateDb ? [] : ["SELECT table_to_xml('web' || 'hooks', true, true, '')"]),
  ])('does not show what the server keeps to itself: %s', async (statement) => {
    const { end } = await ask(app, statement)
    expect(end).toMatchObject({ message: expect.stringMatching(/permission denied|does not show/) })
  })

  // PostgreSQL and CrateDB end comments, texts and names at different places.
  it.each([
    'SELECT url FROM /* /* */ webhooks -- */ */',
    "SELECT '' WHERE '' LIKE$$'$$ UNION ALL SELECT url FROM webhooks --'",
    "SELECT TEXT$$'$$, url FROM webhooks --'",
    'SELECT 1 AS \u00a0$$, url FROM webhooks AS x$$',
  ])('shows it to no other reading of the text either: %s', async (statement) => {
    expect(await ask(app, statement)).toMatchObject({
      status: expect.toSatisfy((code) => code === 400 || code === 403),
      end: { error_code: expect.any(String) },
    })
  })

  it('tells what is wrong with a statement in the words of the database', async () => {
    const { end } = await ask(app, 'SELECT nosuch FROM runs')
    expect(end).toMatchObject({
      error_code: 'INVALID_PARAMETER_VALUE',
      message: expect.stringMatching(/nosuch/),
    })
  })

  it.runIf(target.name === 'PGlite')(
    'refuses what would take the memory of the embedded database',
    async () => {
      const { status, end } = await ask(app, `SELECT 1${' UNION ALL SELECT 1'.repeat(20_000)}`)
      expect(status).toBe(400)
      expect(end).toMatchObject({ message: expect.stringMatching(/100000 characters at most/) })
      expect(await ask(app, `SELECT 1 WHERE 'x' IN (${"'0123456789', ".repeat(6_000)}'x')`)).toMatchObject({
        status: 200,
      })
    },
  )

  it('lets go of answers whose clients leave before, at and behind the first line', async () => {
    const url = await app.app.listen({ port: 0 })
    const statement = 'SELECT i, i * 2, i * 3 FROM generate_series(1, 200000) AS t(i)'
    for (const ms of [0, 1, 5, 20, 50, 100, 200]) {
      const leaving = new AbortController()
      const body = JSON.stringify({ statement })
      const headers = { 'content-type': 'application/json' }
      const asked = fetch(`${url}${PATH}`, { method: 'POST', body, headers, signal: leaving.signal })
      setTimeout(() => leaving.abort(), ms)
      await asked.catch(() => {})
    }
    // As many as may be are answered at once when all those are gone.
    const many = async () => {
      const asked = await Promise.all(
        Array.from({ length: app.engine.sqlAtOnce }, () => ask(app, 'SELECT 1')),
      )
      return asked.map(({ status }) => status)
    }
    await expect.poll(many, { timeout: 30_000 }).toEqual(Array(app.engine.sqlAtOnce).fill(200))
    if (target.name !== 'PGlite') return
    const open = async () => {
      const { rows } = await app.engine.execute(sql`SELECT name FROM pg_cursors WHERE is_holdable`)
      return rows
    }
    await expect.poll(open, { timeout: 10_000 }).toEqual([])
  })

  it('answers nobody but this machine, and nobody behind a proxy', async () => {
    expect(await ask(app, 'SELECT 1', { 'x-forwarded-for': '10.0.0.1' })).toMatchObject({ status: 403 })
    const far = await app.app.inject({
      method: 'POST',
      url: PATH,
      remoteAddress: '10.0.0.1',
      payload: { statement: 'SELECT 1' },
    })
    expect(far.statusCode).toBe(403)
  })

  it.runIf(!isCrateDb)('ends a statement that takes too long, while others log', async () => {
    const slow = ask(app, 'SELECT count(*) FROM generate_series(1, 100000) a, generate_series(1, 100000) b')
    const begun = performance.now()
    await new Promise((resolve) => setTimeout(resolve, 100))
    const logged = await app.request('POST', '/api/2.0/mlflow/runs/log-metric', {
      run_id: runId,
      key: 'later',
      value: 1,
      timestamp: 1,
    })
    expect(logged.status).toBe(200)
    expect(performance.now() - begun).toBeLessThan(6_000)
    expect(await slow).toMatchObject({ status: 504, end: { error_code: 'DEADLINE_EXCEEDED' } })
    expect((await ask(app, 'SELECT 1')).rows).toEqual([[1]])
  })
})
