// Runs the SQL of docs/sql.md over HTTP, as `crateflow sql` does, and compares the views with what is told of them.
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { sql } from 'drizzle-orm'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { dropAllTables, migrate, viewNames } from '../../src/platform/database/migrate.ts'
import { openEngine } from '../../src/platform/database/open-engine.ts'
import { parseBackendUri } from '../../src/platform/database/uri.ts'
import { startApp, type TestApp } from '../support/app.ts'
import { makeViews } from '../support/databases.ts'
import { describeEveryEngine } from '../support/engines.ts'
import { logRuns, logTraces, post, refreshTables, sqlBlocks } from './sql-data.ts'

const blocks = sqlBlocks('docs/sql.md')

/** The columns that the document tells, by view. */
function documentedViews(): Record<string, string[]> {
  const text = readFileSync(join(import.meta.dirname, '../../docs/sql.md'), 'utf8')
  const [, section = ''] = /<!-- views:.*? -->\n([\s\S]*?)<!-- \/views -->/.exec(text) ?? []
  const views: Record<string, string[]> = {}
  for (const part of section.split(/^### /m).slice(1)) {
    const [heading = '', ...lines] = part.split('\n')
    const cells = lines.filter((line) => line.startsWith('| `')).map((line) => line.split('|')[1] ?? '')
    const columns = cells.flatMap((cell) => [...cell.matchAll(/`(\w+)`/g)].map(([, name]) => name ?? ''))
    for (const name of heading.split(', ')) views[name] = columns
  }
  return views
}

/** Rows by column name, counts and means as numbers. */
async function ask(app: TestApp, statement: string): Promise<Record<string, unknown>[]> {
  const { body, statusCode } = await app.app.inject({
    method: 'POST',
    url: '/api/crateflow/1.0/sql/query',
    payload: { statement: statement.replaceAll('mlflow.', `${app.engine.schema}.`) },
  })
  const lines = body
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line))
  expect({ statusCode, end: lines.at(-1) }).toEqual({ statusCode: 200, end: { rows: lines.length - 2 } })
  const names = (lines[0].columns as { name: string }[]).map(({ name }) => name)
  return lines.slice(1, -1).map((row) => Object.fromEntries(names.map((name, i) => [name, row[i]])))
}

const answers = (app: TestApp, title: string) =>
  ask(app, blocks.find((block) => block.title.startsWith(title))?.statements[0] ?? '')

const days = (rows: Record<string, unknown>[]) =>
  rows.map((row) => ({ ...row, day: String(row.day).slice(0, 10) }))

/** A version of a model from a logged model of the best run, with an alias; and a version that is deleted. */
async function registerModels(app: TestApp, experimentId: string): Promise<void> {
  const found = await ask(app, `SELECT run_id FROM mlflow.v1_runs WHERE run_name = 'slow'`)
  const source_run_id = String(found[0]?.run_id)
  const { model } = (await post(app, 'logged-models', {
    experiment_id: experimentId,
    name: 'press-model',
    source_run_id,
    params: [{ key: 'depth', value: '3' }],
  })) as unknown as { model: { info: { model_id: string } } }
  const { model_id } = model.info
  for (const name of ['presses', 'gone']) {
    await post(app, 'registered-models/create', { name })
    await post(app, 'model-versions/create', {
      name,
      source: `models:/${model_id}`,
      model_id,
      run_id: source_run_id,
    })
  }
  await post(app, 'registered-models/alias', { name: 'presses', alias: 'champion', version: '1' })
  const { status } = await app.request('DELETE', '/api/2.0/mlflow/model-versions/delete', {
    name: 'gone',
    version: '1',
  })
  expect(status).toBe(200)
}

describeEveryEngine('the SQL of docs/sql.md', (target) => {
  let app: TestApp
  let dropViews: () => Promise<void>

  beforeAll(async () => {
    app = await startApp(target, { sql: { access: 'loopback', timeoutMs: 30_000 } })
    dropViews = await makeViews(app.engine)
    const experimentId = await logRuns(app)
    await logTraces(app, experimentId)
    await refreshTables(app)
    await registerModels(app, experimentId)
  })
  afterAll(async () => {
    await dropViews()
    await app.close()
  })

  it('tells every view and every column, in their order', async () => {
    const { rows } = await app.engine.execute<{ table_name: string; column_name: string }>(
      sql`SELECT table_name, column_name FROM information_schema.columns
          WHERE table_schema = ${app.engine.schema} ORDER BY table_name, ordinal_position`,
    )
    const views = await viewNames(app.engine)
    expect(views.length).toBeGreaterThan(5)
    const columns = views.map((view) => [
      view,
      rows.filter(({ table_name }) => table_name === view).map(({ column_name }) => column_name),
    ])
    expect(documentedViews()).toEqual(Object.fromEntries(columns))
  })

  it.each(blocks)('answers: $title', async ({ statements }) => {
    for (const statement of statements) expect((await ask(app, statement)).length).toBeGreaterThan(0)
  })

  it('finds the best runs, with params in one value', async () => {
    const best = await answers(app, 'The best runs')
    expect(best.map(({ run_name, loss, params }) => [run_name, loss, params])).toEqual([
      ['slow', 0.25, { learning_rate: '0.01' }],
      ['fast', 0.5, { learning_rate: '0.1' }],
      ['infinite', Number.MAX_VALUE, { learning_rate: '0.01' }],
    ])
  })

  it('finds what learning rates came to, without NaN, infinities and what is deleted', async () => {
    const experiment_name = 'first steps'
    expect(await answers(app, 'What each learning rate')).toEqual([
      { experiment_name, learning_rate: '0.01', runs: 1, best: 0.25, mean: 0.25 },
      { experiment_name, learning_rate: '0.1', runs: 1, best: 0.5, mean: 0.5 },
    ])
    const lost = await answers(app, 'Runs that went off')
    expect(lost.map(({ run_name, is_nan, is_infinite }) => [run_name, is_nan, is_infinite])).toEqual([
      ['infinite', false, true],
      ['none', true, false],
    ])
    const curve = await answers(app, 'The learning curves')
    expect(curve.slice(0, 2)).toMatchObject([
      { run_name: 'fast', step: 0, value: 1 },
      { run_name: 'fast', step: 1, value: 0.5 },
    ])
    expect(curve).toHaveLength(7)
  })

  it('finds what is in production, and the way from data to it', async () => {
    expect(await answers(app, 'What is in production')).toEqual([
      {
        model_name: 'presses',
        version: 1,
        logged_model_name: 'press-model',
        run_name: 'slow',
        experiment_name: 'first steps',
        datasets: ['presses (d1)'],
      },
    ])
    const way = {
      dataset: 'presses (d1)',
      run: 'slow',
      logged_model: 'press-model',
      model_version: 'presses/1',
    }
    expect(await answers(app, 'Which versions of models')).toEqual([way])
  })

  it('counts traces, spans and what was said of them', async () => {
    const experiment_name = 'first steps'
    expect(days(await answers(app, 'What traces cost'))).toMatchObject([
      { experiment_name, day: '2023-11-15', traces: 1, dollars: 0.5, failed: 0 },
      { experiment_name, day: '2023-11-14', traces: 2, dollars: 3.25, failed: 1 },
    ])
    const slowest = await answers(app, 'The slowest requests')
    const counts = slowest.map((row) => [
      row.duration_ms,
      row.span_count,
      row.failed_span_count,
      row.assessment_count,
    ])
    expect(counts).toEqual([
      [6000, 4, 0, 2],
      [6000, 3, 2, 1],
      [6000, 3, 0, 1],
    ])
    expect(await answers(app, 'What people and judges')).toEqual([
      {
        experiment_name,
        assessment_name: 'helpful',
        source_type: 'HUMAN',
        answers: 3,
        mean: expect.closeTo(2 / 3, 9),
      },
      { experiment_name, assessment_name: 'tone', source_type: 'HUMAN', answers: 1, mean: null },
    ])
  })

  it('shows what is deleted as deleted', async () => {
    expect((await answers(app, 'What was deleted')).map(({ run_name }) => run_name)).toEqual(['deleted'])
    const versions = await ask(
      app,
      'SELECT model_name, lifecycle_stage FROM mlflow.v1_model_versions ORDER BY lifecycle_stage',
    )
    expect(versions).toEqual([
      { model_name: 'presses', lifecycle_stage: 'active' },
      { model_name: 'gone', lifecycle_stage: 'deleted' },
    ])
  })

  it.runIf(target.name !== 'PGlite')('lets who may read a view read it, and no table', async () => {
    const user = `analyst_${crypto.randomUUID().slice(0, 8)}`
    const { schema } = app.engine
    const run = (text: string) => app.engine.execute(sql.raw(text))
    const [create, drop, ...grants] =
      target.name === 'CrateDB'
        ? [`CREATE USER ${user}`, `DROP USER ${user}`, `GRANT DQL ON VIEW ${schema}.v1_runs TO ${user}`]
        : [
            `CREATE ROLE ${user} LOGIN`,
            `DROP OWNED BY ${user}`,
            `GRANT USAGE ON SCHEMA ${schema} TO ${user}`,
            `GRANT SELECT ON ${schema}.v1_runs TO ${user}`,
          ]
    await run(create ?? '')
    for (const grant of grants) await run(grant)
    const analyst = await openEngine(parseBackendUri(target.uri.replace(/\/\/[^@]+@/, `//${user}@`)), {
      maxConnections: 1,
    })
    const answer = async (table: string) =>
      analyst.execute(sql.raw(`SELECT count(*) AS runs FROM ${schema}.${table}`))
    expect(Number((await answer('v1_runs')).rows[0]?.runs)).toBeGreaterThan(3)
    await expect(answer('runs')).rejects.toThrow()
    await expect(answer('webhooks')).rejects.toThrow()
    await analyst.close()
    await run(drop ?? '')
    if (target.name === 'PostgreSQL') await run(`DROP ROLE ${user}`)
  })

  it.runIf(target.name === 'CrateDB')('needs the rights that the README grants, and no more', async () => {
    const user = `owner_${crypto.randomUUID().slice(0, 8)}`
    const uri = (await target.another({ empty: true })).replace(/\/\/[^@]+@/, `//${user}@`)
    const { schema } = parseBackendUri(uri)
    await app.engine.execute(sql.raw(`CREATE USER ${user}`))
    await app.engine.execute(sql.raw(`GRANT DQL, DML, DDL ON SCHEMA ${schema} TO ${user}`))
    const owner = await openEngine(parseBackendUri(uri), { maxConnections: 2 })
    await migrate(owner, { shards: 1, replicas: '0' })
    for (const view of await viewNames(owner)) await owner.execute(sql.raw(`SELECT count(*) FROM ${view}`))
    await dropAllTables(owner)
    await owner.close()
    await app.engine.execute(sql.raw(`DROP USER ${user}`))
  })

  it('shows times that no calendar has as absent', async () => {
    const created = await post(app, 'runs/create', {
      experiment_id: '0',
      run_name: 'far',
      start_time: 2 ** 62,
    })
    expect(created.run.info.run_id).toBeTruthy()
    const rows = await ask(
      app,
      `SELECT started_at, metrics, nan_metrics FROM mlflow.v1_runs WHERE run_name = 'far'`,
    )
    expect(rows).toEqual([{ started_at: null, metrics: {}, nan_metrics: [] }])
  })
})
