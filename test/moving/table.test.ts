// A user's table of trained models, taken over as runs and model versions, and read back through the view that is shaped like it.
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { describeEachEngine } from '../support/engines.ts'
import { startServer } from '../support/server.ts'
import { killMove, runMove } from './import.ts'
import {
  createUserTable,
  importTable,
  inserting,
  mappingOf,
  type TrainedRow,
  type UserTable,
} from './table-source.ts'

const TIMEOUT_MS = 120_000

const model = (
  name: string,
  version: string,
  minute: number,
  more: Partial<TrainedRow> = {},
): TrainedRow => ({
  name,
  version,
  trainedAt: new Date(Date.UTC(2026, 0, 1, 0, minute)).toISOString(),
  parameters: { lr: 0.05, lags: [1, 2, 7], kind: "O'Hara" },
  scores: { mae: minute / 4, 'smape h7': 3 },
  ...more,
})

type Server = Awaited<ReturnType<typeof startServer>>

async function ask(server: Server, statement: string): Promise<Record<string, unknown>[]> {
  const { body } = await server.request('POST', '/api/crateflow/1.0/sql/query', { statement })
  const lines = String(typeof body === 'string' ? body : JSON.stringify(body))
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line))
  const names = (lines[0].columns as { name: string }[]).map(({ name }) => name)
  return lines.slice(1, -1).map((row) => Object.fromEntries(names.map((name, i) => [name, row[i]])))
}

const summary = (stdout: string) => /^\d+ rows read: .* not taken/m.exec(stdout)?.[0]

async function serving<T>(uri: string, work: (server: Server) => Promise<T>): Promise<T> {
  const server = await startServer({ backendStoreUri: uri })
  try {
    return await work(server)
  } finally {
    await server.stop()
  }
}

describeEachEngine('import table', (target) => {
  /** Tests go without the views where they are not in the template. */
  const changeViews = async (command: 'create-views' | 'drop-views') => {
    if (target.name === 'PGlite') return
    const changed = await runMove(['db', command, '--backend-store-uri', target.uri])
    expect(changed, changed.stderr).toMatchObject({ code: 0 })
  }

  let source: UserTable
  beforeAll(async () => {
    source = await createUserTable(target.name)
  })
  afterAll(async () => {
    await source?.drop()
    await changeViews('drop-views')
  })

  it(
    'takes rows as runs and versions, once each, and shows them as the table had them',
    async () => {
      await source.run(
        inserting([model('wind', '2026.1', 1), model('wind', '2026.2', 2), model('sun', '2026.1', 3)]),
      )
      const before = await source.rows()
      const mapping = mappingOf(source)
      const dry = await importTable(source, target.uri, mapping, ['--dry-run'])
      expect(dry, dry.stderr).toMatchObject({ code: 0 })
      expect(summary(dry.stdout)).toBe('3 rows read: 3 new, 0 changed, 0 as before, 0 not taken')
      const first = await importTable(source, target.uri, mapping)
      expect(first, first.stderr).toMatchObject({ code: 0 })
      expect(summary(first.stdout)).toBe('3 rows read: 3 new, 0 changed, 0 as before, 0 not taken')
      expect(await source.rows()).toEqual(before)
      // From the high-water mark on there is the last row alone.
      const again = await importTable(source, target.uri, mapping)
      expect(summary(again.stdout)).toBe('1 rows read: 0 new, 0 changed, 1 as before, 0 not taken')
      const all = await importTable(source, target.uri, mapping, ['--all'])
      expect(summary(all.stdout)).toBe('3 rows read: 0 new, 0 changed, 3 as before, 0 not taken')
      expect(all.stdout).toContain('0 rows written')

      await source.run(`UPDATE TABLE SET scores = '{"mae": 0.125, "smape h7": 3}', trained_at = '2026-01-02T00:00:00Z', path = 's3://new/place'
        WHERE name = 'wind' AND version = '2026.2'`)
      await source.run(inserting([model('wind', '2026.3', 2000)]))
      const third = await importTable(source, target.uri, mapping)
      expect(summary(third.stdout)).toBe('3 rows read: 1 new, 1 changed, 1 as before, 0 not taken')

      await changeViews('create-views')
      await serving(target.uri, async (server) => {
        const rows = await ask(
          server,
          `SELECT name, version, date, parameters, scores, path, version_number, run_id FROM trained_models ORDER BY name, version`,
        )
        const parameters = { lr: '0.05', lags: '[1, 2, 7]', kind: "O'Hara", size_mb: '12.5' }
        const shown = rows.map(({ date, run_id, ...row }) => ({ ...row, day: String(date).slice(0, 10) }))
        const row = (
          name: string,
          version: string,
          number: number,
          mae: number,
          day: string,
          path?: string,
        ) => ({
          ...{ name, version, parameters, day, version_number: number },
          ...{ scores: { mae, 'smape h7': 3 }, path: path ?? `s3://models/${name}/${version}` },
        })
        expect(shown).toEqual([
          row('sun', '2026.1', 1, 0.75, '2026-01-01'),
          row('wind', '2026.1', 1, 0.25, '2026-01-01'),
          row('wind', '2026.2', 2, 0.125, '2026-01-01', 's3://new/place'),
          row('wind', '2026.3', 3, 500, '2026-01-02'),
        ])
        const changed = String(rows[2]?.run_id)
        const { body } = await server.request('GET', `/api/2.0/mlflow/runs/get?run_id=${changed}`)
        expect(body).toMatchObject({
          run: {
            info: { status: 'FINISHED', user_id: 'ada', run_name: 'wind 2026.2', lifecycle_stage: 'active' },
          },
        })
        // A score that changed is the next point of its history.
        const history = await server.request(
          'GET',
          `/api/2.0/mlflow/metrics/get-history?run_id=${changed}&metric_key=mae`,
        )
        const { metrics } = history.body as { metrics: { step: number; value: number }[] }
        expect(metrics.map(({ step, value }) => [Number(step), value])).toEqual([
          [0, 0.5],
          [1, 0.125],
        ])
        // Models go on as if they had been made here.
        const next = await server.request('POST', '/api/2.0/mlflow/model-versions/create', {
          name: 'wind',
          source: 's3://b/next',
        })
        expect(next.body).toMatchObject({ model_version: { version: '4' } })
      })
      await source.run(inserting([model('wind', '2026.4', 3000)]))
      await importTable(source, target.uri, mapping)
      const versions = await serving(target.uri, (server) =>
        ask(
          server,
          `SELECT version, version_number FROM trained_models WHERE name = 'wind' ORDER BY version_number`,
        ),
      )
      expect(versions.map(({ version }) => version)).toEqual(['2026.1', '2026.2', '2026.3', '4', '2026.4'])
    },
    TIMEOUT_MS,
  )
})

const AT_NIGHT = ['CrateDB', 'PostgreSQL'] as const

describeEachEngine(
  'import table in trouble',
  (target) => {
    it(
      'tells rows that it does not take with their keys, writes nothing of them, and takes them once they are mended',
      async () => {
        const to = await target.another()
        const table = await createUserTable(target.name)
        await table.run(
          inserting([
            model('a', 'first', 1),
            model('a', 'v2', 2),
            model('b', 'x', 3, { scores: { mae: 'abc' } }),
            model('b', 'long', 4, { parameters: { text: 'x'.repeat(6001) } }),
            model('bad/name', 'x', 5),
            model('c', 'x', 6, { path: null }),
            model('c', 'y', 7, { parameters: { size_mb: 1 } }),
            model(null as never, 'x', 8),
            model('a', 'last', 9),
          ]),
        )
        const mapping = mappingOf(table, { as: 'alias' })
        const { code, stdout } = await importTable(table, to, mapping)
        expect(code).toBe(1)
        expect(summary(stdout)).toBe('9 rows read: 2 new, 0 changed, 0 as before, 7 not taken')
        for (const line of [
          "name=a, version=v2: Version alias name 'v2' is reserved. Keep versions as tags",
          'name=b, version=x: The metric mae is no number: abc',
          'name=b, version=long: The param text has 6001 characters; 6000 are the most.',
          "name=bad/name, version=x: Invalid model name 'bad/name'",
          'name=c, version=x: path is NULL or empty.',
          'name=c, version=y: The param size_mb comes twice.',
          'name=NULL, version=x, trained_at=',
        ])
          expect(stdout).toContain(`not taken: ${line}`)
        await table.run(`UPDATE TABLE SET version = 'second' WHERE version = 'v2'`)
        await table.run(`UPDATE TABLE SET scores = '{"mae": 1}' WHERE name = 'b' AND version = 'x'`)
        const mended = await importTable(table, to, mapping)
        expect(summary(mended.stdout)).toBe('8 rows read: 2 new, 0 changed, 1 as before, 5 not taken')
        await serving(to, async (server) => {
          const runs = await ask(server, `SELECT run_name FROM runs ORDER BY run_name`)
          expect(runs.map(({ run_name }) => run_name)).toEqual(['a first', 'a last', 'a second', 'b x'])
          const { body } = await server.request(
            'GET',
            '/api/2.0/mlflow/registered-models/alias?name=a&alias=second',
          )
          expect(body).toMatchObject({ model_version: { version: '3', source: 's3://models/a/v2' } })
          await server.request('POST', '/api/2.0/mlflow/registered-models/alias', {
            name: 'a',
            alias: 'next',
            version: '1',
          })
        })
        await table.run(inserting([model('a', 'next', 10)]))
        const taken = await importTable(table, to, mapping)
        expect(taken.stdout).toContain(
          'not taken: name=a, version=next: The alias next of a points to version 1.',
        )
        await table.drop()
      },
      TIMEOUT_MS,
    )

    it(
      'goes on where it was killed, without doubles or gaps',
      async () => {
        const to = await target.another()
        const table = await createUserTable(target.name)
        const count = 3000
        for (let start = 0; start < count; start += 1000)
          await table.run(
            inserting(
              Array.from({ length: 1000 }, (_, i) =>
                model(`m${(start + i) % 3}`, `r${start + i}`, start + i),
              ),
            ),
          )
        const folder = await mkdtemp(join(tmpdir(), 'crateflow-mapping-'))
        const file = join(folder, 'map.yaml')
        await writeFile(file, mappingOf(table, { as: 'alias' }))
        const args = ['import', 'table', '--mapping', file, '--from', table.uri, '--to', to]
        let killed = 0
        for (const moment of [600, 1000, 1400, 1800]) if (await killMove(args, moment)) killed++
        await rm(folder, { recursive: true })
        expect(killed).toBeGreaterThan(0)
        const last = await importTable(table, to, mappingOf(table, { as: 'alias' }))
        expect(last, last.stdout + last.stderr).toMatchObject({ code: 0 })
        await serving(to, async (server) => {
          const [counts] = await ask(
            server,
            `SELECT count(*) AS versions, count(DISTINCT run_id) AS runs, max(version) AS highest FROM model_versions`,
          )
          expect(counts).toEqual({ versions: count, runs: count, highest: count / 3 })
          const [inner] = await ask(
            server,
            `SELECT (SELECT count(*) FROM runs) AS runs, (SELECT count(*) FROM params) AS params, (SELECT count(*) FROM metrics) AS points, (SELECT count(*) FROM registered_model_aliases) AS aliases,
              (SELECT count(DISTINCT value) FROM model_version_tags) AS texts`,
          )
          expect(inner).toEqual({
            runs: count,
            params: count * 4,
            points: count * 2,
            aliases: count,
            texts: count,
          })
        })
        await table.drop()
      },
      TIMEOUT_MS,
    )

    it.skipIf(target.name === 'PGlite')(
      'ends where its experiment is deleted meanwhile, and takes all rows once that is back',
      async () => {
        const to = await target.another()
        const table = await createUserTable(target.name)
        const count = 6000
        const rows = Array.from({ length: count }, (_, i) => model(`m${i % 3}`, `r${i}`, i))
        for (let start = 0; start < count; start += 1000)
          await table.run(inserting(rows.slice(start, start + 1000)))
        await serving(to, async (server) => {
          const importing = importTable(table, to, mappingOf(table))
          let experiment_id: string | undefined
          while (experiment_id === undefined) {
            const { body } = await server.request(
              'GET',
              '/api/2.0/mlflow/experiments/get-by-name?experiment_name=Forecasts',
            )
            experiment_id = (body as { experiment?: { experiment_id: string } }).experiment?.experiment_id
          }
          await server.request('POST', '/api/2.0/mlflow/experiments/delete', { experiment_id })
          const ended = await importing
          expect(ended, ended.stdout).toMatchObject({ code: 1 })
          expect(ended.stderr).toContain(
            'The experiment Forecasts was deleted while rows were written into it.',
          )
          await server.request('POST', '/api/2.0/mlflow/experiments/restore', { experiment_id })
          const again = await importTable(table, to, mappingOf(table))
          expect(again, again.stdout + again.stderr).toMatchObject({ code: 0 })
          const [runs] = await ask(server, 'SELECT count(*) AS runs FROM runs')
          expect(runs).toEqual({ runs: count })
        })
        await table.drop()
      },
      TIMEOUT_MS,
    )

    it(
      'says where a mapping is wrong, by file, line and column',
      async () => {
        const source = await createUserTable(target.name)
        await source.run(inserting([model('wind', '1', 1), model('wind', '2', 2)]))
        const saying = async (mapping: string) => {
          const { code, stderr } = await importTable(source, target.uri, mapping)
          expect(code).toBe(2)
          return stderr.replace(/\S*map\.yaml/g, 'map.yaml')
        }
        const table = `table: '${source.table}'`
        expect(await saying(`${table}\nkey: [name]\nexperiment: x\nrun: {`)).toContain('map.yaml:4:7: ')
        expect(await saying(`${table}\nexperiment: x\n`)).toContain('map.yaml:1:1: key: it is missing')
        expect(await saying(`${table}\nkey: [name]\nexperiment: x\nparms: []\n`)).toContain(
          'map.yaml:4:1: parms: there is no such field; there are table, name, key,',
        )
        expect(
          await saying(`${table}\nkey: [name]\nexperiment: x\nmodel:\n  name: { column: title }\n`),
        ).toContain('map.yaml:5:19: model.name.column: the table has no column title; it has name, version,')
        expect(
          await saying(`${table}\nkey: [name]\nexperiment: x\nrun:\n  end: { column: finished_s }\n`),
        ).toMatch(
          /map\.yaml:5:18: run\.end\.column: the column finished_s is of type \w+: say "unit: ms" or "unit: s"/,
        )
        expect(await saying(`${table}\nkey: [name]\nexperimnt: x\n`)).toMatch(
          /map\.yaml:1:1: experiment: it is missing\n {2}map\.yaml:3:12: experimnt: there is no such field; there are table,/,
        )
        if (target.name !== 'PGlite') {
          await runMove(['db', 'migrate', '--backend-store-uri', target.uri])
          const own = `table: ${new URL(target.uri).searchParams.get('schema')}.runs\nkey: [run_id]\nexperiment: x\n`
          expect((await importTable({ ...source, uri: target.uri }, target.uri, own)).stderr).toContain(
            'runs belongs to the store that is written to',
          )
        }
        expect(await saying(`${table}\nkey: *none\nexperiment: x\n`)).toMatch(
          /map\.yaml: Unresolved alias .*: none$/m,
        )
        expect(await saying(`table: nowhere.models\nkey: [name]\nexperiment: x\n`)).toContain(
          target.name === 'PGlite'
            ? 'map.yaml:1:8: table: a file of SQLite has no schemas: say the plain name, models'
            : 'map.yaml:1:8: table: there is no table nowhere.models',
        )
        expect(await saying(`${table}\nkey: [name]\nexperiment: x\n`)).toContain(
          'map.yaml:2:1: key: several rows have the same key: name=wind',
        )
        await source.drop()
      },
      TIMEOUT_MS,
    )
  },
  ['PGlite'],
  AT_NIGHT,
)
