// `crateflow load table`: files of all formats into tables of CrateDB and PostgreSQL, and what does not fit.

import { writeFile } from 'node:fs/promises'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import { sql } from 'drizzle-orm'
import { parquetWriteBuffer } from 'hyparquet-writer'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { Engine } from '../../src/platform/database/engine.ts'
import { describeEachEngine } from '../support/engines.ts'
import { missing } from '../support/services.ts'
import { createRun, emptyFolder, runProgram, runServer } from './program.ts'
import { runOnTerminal } from './terminal.ts'

const SMALL = { CRATEFLOW_CRATEDB_SHARDS: '1', CRATEFLOW_CRATEDB_REPLICAS: '0' }

describeEachEngine(
  'crateflow load table',
  (target) => {
    let engine: Engine
    let schema: string
    const made = new Set<string>()
    const isCrate = target.name === 'CrateDB'
    beforeAll(async () => {
      engine = await target.open()
      schema = isCrate ? 'doc' : 'public'
    })
    afterAll(async () => {
      for (const table of made) await engine.execute(sql.raw(`DROP TABLE IF EXISTS ${schema}."${table}"`))
    })

    /** Loads a file of this content; the table is dropped after the suite. */
    async function load(name: string, content: string | Uint8Array, ...args: string[]) {
      const cwd = await emptyFolder()
      await writeFile(join(cwd, name), content)
      const ended = await runProgram(['load', 'table', name, '--backend-store-uri', target.uri, ...args], {
        cwd,
        env: SMALL,
      })
      const table = /^(?:A new table|Into) [^.\s]+\.(\S+) of /m.exec(ended.stdout)?.[1] ?? ''
      if (table) made.add(table)
      const rows = async (order = '1') => {
        const { rows } = await engine.execute(sql.raw(`SELECT * FROM ${schema}."${table}" ORDER BY ${order}`))
        return rows as Record<string, unknown>[]
      }
      return { ...ended, table, rows }
    }
    /** A name that no other suite uses. */
    const unique = (name: string) => `${name}_${crypto.randomUUID().slice(0, 8)}`
    const typesIn = (stdout: string) =>
      Object.fromEntries(
        stdout
          .split('\n')
          .slice(2, -2)
          .map((line) => line.split(/ {2,}/).slice(0, 2)),
      )

    it('loads CSV: quotes with line breaks, a byte order mark, CRLF, NULLs, dates, NaN, large integers', async () => {
      const lines = [
        'i,x,b,t,s,large,huge',
        '1,1.5,true,2026-01-02,"a ""b""\r\n, c",9007199254740993,9223372036854775808',
        '2,NaN,FALSE,2026-01-02T03:04:05.123+02:00,"",-9007199254740993,1',
        '3,-Infinity,,2026-01-02 03:04:05Z,,,',
        '4,1e308,,,007,0,2',
      ]
      const { code, stdout, stderr, rows } = await load(
        `${unique('csv')}.csv`,
        `\ufeff${lines.join('\r\n')}\r\n`,
      )
      expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
      expect(typesIn(stdout)).toEqual({
        ...{ i: 'integer', x: 'double', b: 'boolean', t: 'timestamp', s: 'text', large: 'integer' },
        huge: 'text',
      })
      expect(stdout).toMatch(/^4 rows were loaded into /m)
      const at = (text: string) => new Date(text)
      const large = 9007199254740993n
      expect(await rows()).toEqual([
        { i: 1, x: 1.5, b: true, t: at('2026-01-02'), s: 'a "b"\r\n, c', large, huge: '9223372036854775808' },
        { i: 2, x: Number.NaN, b: false, t: at('2026-01-02T01:04:05.123Z'), s: '', large: -large, huge: '1' },
        {
          i: 3,
          x: Number.NEGATIVE_INFINITY,
          b: null,
          t: at('2026-01-02T03:04:05Z'),
          s: null,
          large: null,
          huge: null,
        },
        { i: 4, x: 1e308, b: null, t: null, s: '007', large: 0, huge: '2' },
      ])
    })

    it('makes names of tables and columns of anything', async () => {
      const mark = crypto.randomUUID().slice(0, 8)
      const header = `select,"a ""b"" '; DROP TABLE x",,Ü,dup,dup,"x[1].y",_id," spaced ","two\nlines"`
      const loaded = await load(`My "Dàta"; ${mark} (2).CSV`, `${header}\n${'1,'.repeat(9)}1\n`)
      expect(loaded).toMatchObject({ code: 0, stderr: '', table: `my_data_${mark}_2` })
      const [row = {}] = await loaded.rows()
      const odd = isCrate ? ['x_1__y', 'c_id'] : ['x[1].y', '_id']
      expect(Object.keys(row)).toEqual([
        ...[
          'select',
          `a "b" '; DROP TABLE x`,
          'column_3',
          'Ü',
          'dup',
          'dup_2',
          ...odd,
          'spaced',
          'two_lines',
        ],
      ])
    })

    it('loads a thousand columns', async () => {
      const names = Array.from({ length: 1000 }, (_, i) => `c${i}`)
      const line = names.map((_, i) => i).join(',')
      const loaded = await load(
        `${unique('wide')}.csv`,
        [names.join(','), ...Array(300).fill(line)].join('\n'),
      )
      expect(loaded).toMatchObject({ code: 0, stderr: '' })
      const rows = await loaded.rows()
      expect(rows).toHaveLength(300)
      expect(rows[299]).toEqual(Object.fromEntries(names.map((name, i) => [name, i])))
    })

    it('leaves no table behind when there are more columns than rows may have', async () => {
      const names = Array.from({ length: 10_000 }, (_, i) => `c${i}`)
      const name = unique('wider')
      const wide = await load(`${name}.csv`, `${names.join()}\n${names.map((_, i) => i).join()}\n`)
      expect(wide.code).toBe(1)
      const { rows } = await engine.execute(
        sql`SELECT table_name FROM information_schema.tables WHERE table_name = ${name}`,
      )
      expect(rows).toEqual([])
    })

    it('stops at the line that does not fit, tells it, and goes on behind it', async () => {
      const name = unique('wrong')
      const lines = Array.from({ length: 12_000 }, (_, i) => `${i},"line\nbreak"`)
      lines[11_000] = 'eleven,"x\ny"'
      const content = ['n,s', ...lines].join('\n')
      const wrong = await load(`${name}.csv`, content)
      expect(wrong.code).toBe(1)
      expect(wrong.stderr).toBe(
        `crateflow: line 22002, column n: "eleven" is no integer. A new table takes it with --type 'n=text'.\n`,
      )
      expect(wrong.stdout).toMatch(/^10000 rows were loaded into .* say --offset 10000\.$/m)
      expect(await wrong.rows()).toHaveLength(10_000)
      lines[11_000] = '11000,"x\ny"'
      const rest = await load(
        `${name}.csv`,
        ['n,s', ...lines].join('\n'),
        '--offset',
        '10000',
        '--limit',
        '1500',
      )
      expect(rest).toMatchObject({ code: 0, stdout: expect.stringMatching(/^1500 rows were loaded/m) })
      const rows = await rest.rows()
      expect(rows.map(({ n }) => n)).toEqual(Array.from({ length: 11_500 }, (_, i) => i))
    })

    it('writes nothing when the beginning does not fit', async () => {
      const name = unique('never')
      const cases: [string, RegExp, ...string[]][] = [
        ['', /^crateflow: The file is empty/],
        ['a,b\n1,2\n3\n', /line 3: there are 1 fields, and 2 columns/],
        ['a,b\n1,2\n"3,4\n', /line 3 or below: a quote is opened and never closed/],
        ['a,b\n1,"2"x\n', /line 2 or below: behind a closing quote/],
        ['a\n1\nx\n', /line 3, column a: "x" is no integer/, '--type', 'a=integer'],
        [
          'a\n9223372036854775808\n',
          /line 2, column a: 9223372036854775808 is beyond/,
          '--type',
          'a=integer',
        ],
        ['a\n2026-02-30\n', /line 2, column a: "2026-02-30" is no timestamp/, '--type', 'a=timestamp'],
        ['a\n2026-01-01 00:00:00.1234567\n', /more digits of a second/, '--type', 'a=timestamp'],
        ['a\n1\n2.5\n', /2.5" is no integer\. .* --type 'a=double'/, '--type', 'a=integer'],
        ['a\n1e999\n', /"1e999" is no double/, '--type', 'a=double'],
        ['a\nx\0y\n', /line 2, column a: holds the character NUL/],
        ['a\n1\n', /--type b: there is no such column/, '--type', 'b=text'],
        ['a\n1\n', /The schema \S+ is the server's own/, '--table', `${engine.schema}.runs`],
        ['a\n1\n', /The schema pg_catalog is the database's own/, '--table', 'pg_catalog.x'],
        ['a\n1\n', /--table must read like/, '--table', 'a"b'],
      ]
      for (const [content, said, ...args] of cases) {
        const { code, stderr, stdout } = await load(`${name}.csv`, content, ...args)
        expect(stderr).toMatch(said)
        expect(code, stderr).not.toBe(0)
        expect(stdout).not.toMatch(/loaded/)
      }
      const latin = await load(`${name}.csv`, Buffer.from('a\nM\xfcller\n', 'latin1'))
      expect(latin.stderr).toMatch(/not encoded as utf-8 .* --encoding latin1/)
      const { rows } = await engine.execute(
        sql`SELECT table_name FROM information_schema.tables WHERE table_name = ${name}`,
      )
      expect(rows).toEqual([])
      const read = await load(
        `${name}.csv`,
        Buffer.from('a;n\nM\xfcller;NA\n', 'latin1'),
        ...['--encoding', 'latin1'],
        ...['--delimiter', ';', '--null', 'NA'],
      )
      expect(await read.rows()).toEqual([{ a: 'Müller', n: null }])
    })

    it('loads lists and lines of JSON, with keys that come later', async () => {
      const objects = [
        '{"i": 1, "s": "}]{\\"", "o": {"a": [1, 9007199254740993]}, "t": "2026-01-02"}',
        '{"i": 9007199254740993,\n "x": 1.5}',
        '{"x": NaN, "s": null}',
      ]
      const list = await load(`${unique('list')}.json`, `[${objects.join(',\n')}]`)
      expect(list).toMatchObject({ code: 0, stderr: '' })
      const lines = await load(
        `${unique('lines')}.ndjson`,
        objects.map((text) => text.replace('\n', '')).join('\r\n\r\n'),
      )
      expect(lines).toMatchObject({ code: 0, stderr: '' })
      const expected = [
        { i: 1, s: '}]{"', o: '{"a":[1,9007199254740993]}', t: new Date('2026-01-02'), x: null },
        { i: 9007199254740993n, s: null, o: null, t: null, x: 1.5 },
        { i: null, s: null, o: null, t: null, x: Number.NaN },
      ]
      expect(await list.rows('i NULLS LAST')).toEqual(expected)
      expect(await lines.rows('i NULLS LAST')).toEqual(expected)
      const broken = await load(`${unique('broken')}.json`, '[{"a": 1},\n{"a": }]')
      expect(broken).toMatchObject({ code: 1, stderr: expect.stringMatching(/^crateflow: line 2: /) })
      const later = [...Array(1500).fill('{"a": 1}'), '{"a": 1, "b": "x"}'].join('\n')
      const table = unique('later')
      expect((await load(`${table}.jsonl`, later)).stderr).toMatch(/^crateflow: line 1501: it has a field/)
      const named = await load(`${unique('named')}.jsonl`, later, '--type', 'b=text')
      expect((await named.rows('b NULLS LAST'))[0]).toEqual({ a: 1, b: 'x' })
    })

    it('loads Parquet', async () => {
      const buffer = parquetWriteBuffer({
        rowGroupSize: 1000,
        columnData: [
          { name: 'n', type: 'INT64', data: Array.from({ length: 2500 }, (_, i) => BigInt(i)) },
          { name: 'x', type: 'DOUBLE', data: Array.from({ length: 2500 }, (_, i) => i / 4) },
          { name: 'd', type: 'TIMESTAMP', data: Array(2500).fill(new Date('2026-01-02T03:04:05.678Z')) },
          {
            name: 'w',
            type: 'DOUBLE',
            data: Array.from({ length: 2500 }, (_, i) => (i < 2000 ? i : i + 0.5)),
          },
          { name: 's', type: 'STRING', data: Array.from({ length: 2500 }, (_, i) => `tëxt ${i}`) },
          { name: 'j', type: 'JSON', data: Array(2500).fill({ a: [1] }) },
        ],
      })
      const loaded = await load(`${unique('parquet')}.parquet`, new Uint8Array(buffer))
      expect(loaded).toMatchObject({ code: 0, stderr: '' })
      const rows = await loaded.rows()
      expect(rows).toHaveLength(2500)
      expect(rows[2499]).toEqual({
        n: 2499,
        x: 624.75,
        w: 2499.5,
        d: new Date('2026-01-02T03:04:05.678Z'),
        s: 'tëxt 2499',
        j: '{"a":[1]}',
      })
      const none = await load(`${unique('none')}.parquet`, 'a,b\n1,2\n')
      expect(none).toMatchObject({
        code: 1,
        stderr: expect.stringMatching(/^crateflow: The file is no Parquet/),
      })
    })

    it('minds the columns of a table that is there', async () => {
      const table = unique('there')
      made.add(table)
      await engine.execute(
        sql.raw(`CREATE TABLE ${schema}."${table}" (id INTEGER PRIMARY KEY, s TEXT, extra SMALLINT)`),
      )
      const into = (content: string) => load('any.csv', content, '--table', table)
      expect(await into('s,id\n7,2147483647\n')).toMatchObject({ code: 0, stderr: '' })
      expect((await into('id\n2147483648\n')).stderr).toMatch(/column id: 2147483648 is beyond 2147483647/)
      expect(await into('id,nosuch\n1,2\n')).toMatchObject({
        code: 2,
        stderr: 'crateflow: The table is there and has no column nosuch. It has id, s, extra.\n',
      })
      const twice = await into('id\n3\n2147483647\n')
      expect(twice).toMatchObject({ code: 1, stderr: expect.stringMatching(/lines 2 to 3: /) })
      const rows = await twice.rows()
      expect(twice.stdout).toMatch(new RegExp(`^${rows.length - 1} rows were loaded`, 'm'))
      expect(rows.at(-1)).toEqual({ id: 2147483647, s: '7', extra: null })
    })

    it('loads from a URL, packed too', async () => {
      const packed = gzipSync('a,b\n1,x\n')
      const server = createServer((request, response) => {
        response.statusCode = request.url?.startsWith('/there') ? 200 : 404
        response.end(packed)
      })
      await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
      const { port } = server.address() as AddressInfo
      const table = unique('url')
      const args = ['--backend-store-uri', target.uri, '--table', table]
      made.add(table)
      try {
        const place = `http://127.0.0.1:${port}`
        const there = await runProgram(['load', 'table', `${place}/there/t.csv.gz?key=1`, ...args], {
          env: SMALL,
        })
        expect(there).toMatchObject({ code: 0, stderr: '' })
        const absent = await runProgram(['load', 'table', `${place}/absent.csv`, ...args])
        expect(absent).toMatchObject({ code: 1, stderr: expect.stringMatching(/answered with status 404/) })
        const signed = await runProgram(['load', 'table', `${place}/absent.csv?sig=hunter2`, ...args])
        expect(signed.stderr).toBe(`crateflow: ${place}/absent.csv is answered with status 404.\n`)
        const secret = await runProgram([
          'load',
          'table',
          `http://me:hunter2@127.0.0.1:${port}/a.csv`,
          ...args,
        ])
        expect(secret).toMatchObject({ code: 2, stderr: expect.stringMatching(/has a user or a password/) })
        expect(secret.stderr).not.toContain('hunter2')
      } finally {
        server.close()
      }
    })

    it('logs the table to a run as its dataset', async () => {
      const server = await runServer([])
      const runId = await createRun(server)
      const name = unique('dataset')
      const options = ['--run', runId, '--tracking-uri', server.url]
      const loaded = await load(`${name}.csv`, 'a,b\n1,x\n2,y\n', ...options)
      expect(loaded).toMatchObject({ code: 0, stderr: '' })
      const { body } = await server.request('GET', `/api/2.0/mlflow/runs/get?run_id=${runId}`)
      const [input] = (body as { run: { inputs: { dataset_inputs: { dataset: Record<string, string> }[] } } })
        .run.inputs.dataset_inputs
      const { dataset } = input ?? { dataset: {} }
      expect(dataset).toMatchObject({
        name: `${schema}.${name}`,
        digest: expect.stringMatching(/^[0-9a-f]{16}$/),
        source_type: 'table',
      })
      expect(JSON.parse(dataset.source ?? '')).toMatchObject({ table: `${schema}.${name}` })
      expect(JSON.parse(dataset.profile ?? '')).toEqual({ num_rows: 2, num_elements: 4 })
      expect(JSON.parse(dataset.schema ?? '')).toEqual({
        mlflow_colspec: [
          { type: 'long', name: 'a', required: false },
          { type: 'string', name: 'b', required: false },
        ],
      })
      const absent = await load(`${unique('norun')}.csv`, 'a\n1\n', '--run', 'nosuch', ...options.slice(2))
      expect(absent).toMatchObject({ code: 1, stdout: '', stderr: expect.stringMatching(/nosuch/) })
    })

    it.skipIf(missing('python'))('asks on a terminal', async () => {
      const cwd = await emptyFolder()
      const file = join(cwd, `${unique('asked')}.csv`)
      await writeFile(file, 'a\n1\n')
      const args = ['load', 'table', file, '--backend-store-uri', target.uri]
      const no = await runOnTerminal(args, { keys: 'no\\n' })
      expect(no.code).toBe(1)
      expect(no.output).toMatch(/A new table [\s\S]*Nothing was loaded\./)
    })
  },
  ['CrateDB', 'PostgreSQL'],
)

describe('crateflow load table', () => {
  it('is not for the embedded store', async () => {
    const cwd = await emptyFolder()
    await writeFile(join(cwd, 'a.csv'), 'a\n1\n')
    expect(await runProgram(['load', 'table', 'a.csv'], { cwd })).toMatchObject({
      code: 2,
      stderr: expect.stringMatching(/^crateflow: The embedded store holds the tables of the server alone/),
    })
    expect(await runProgram(['load', 'table', 'a'], { cwd })).toMatchObject({
      code: 2,
      stderr: expect.stringMatching(/say --format csv or json/),
    })
  })
})
