// The SQL port of the embedded database, asked by what people ask PostgreSQL with: psql, psycopg2, pandas, pg; and what it refuses.
import { execFile, execFileSync } from 'node:child_process'
import { once } from 'node:events'
import { connect } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { promisify } from 'node:util'
import pg from 'pg'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { pythonOutput } from '../support/python.ts'
import { missing } from '../support/services.ts'
import { createRun, emptyFolder, type RunningServer, runProgram, runServer } from './program.ts'

const SLOW = 'SELECT count(*) FROM generate_series(1, 100000) a, generate_series(1, 100000) b'

const hasPsql = (() => {
  try {
    execFileSync('psql', ['--version'], { stdio: 'ignore' })
    return true
  } catch {
    return false
  }
})()

interface Served {
  server: RunningServer
  port: number
}

async function serveSql(args: string[] = [], env: Record<string, string> = {}): Promise<Served> {
  const server = await runServer(['--sql-port', '0', ...args], { cwd: await emptyFolder(), env })
  for (let tries = 0; ; tries++) {
    const port = /^SQL: psql -h \S+ -p (\d+)/m.exec(server.output.stdout)?.[1]
    if (port) return { server, port: Number(port) }
    if (tries > 100) throw new Error('The server names no SQL port')
    await sleep(50)
  }
}

async function connected(port: number, more: pg.ClientConfig = {}): Promise<pg.Client> {
  const client = new pg.Client({ host: '127.0.0.1', port, user: 'analyst', database: 'any', ...more })
  client.on('error', () => {})
  await client.connect()
  return client
}

async function withClient<T>(port: number, work: (client: pg.Client) => Promise<T>): Promise<T> {
  const client = await connected(port)
  try {
    return await work(client)
  } finally {
    await client.end()
  }
}

describe('the SQL port', () => {
  it('answers pg: values, parameters, prepared statements, pieces, several statements', async () => {
    const { port } = await serveSql()
    await withClient(port, async (client) => {
      const { rows } = await client.query('SELECT $1::int + 1 AS a, $2::text[] AS b, $3::jsonb AS j', [
        41,
        ['x', 'y'],
        { a: 1 },
      ])
      expect(rows).toEqual([{ a: 42, b: ['x', 'y'], j: { a: 1 } }])
      for (const value of ['5', '6']) {
        const named = await client.query({ name: 'named', text: 'SELECT $1::int8 AS a', values: [value] })
        expect(named.rows).toEqual([{ a: value }])
      }
      // As JDBC does with a fetch size: so many rows, then the portal is suspended.
      const pieces = {
        text: 'SELECT i FROM generate_series(1, 5000) AS s(i) ORDER BY i',
        rows: 300,
        queryMode: 'extended',
      }
      expect((await client.query<{ i: number }>(pieces)).rows.map(({ i }) => i)).toEqual(
        Array.from({ length: 5000 }, (_, i) => i + 1),
      )
      const several = (await client.query('SELECT 1 AS a; SHOW search_path')) as unknown as pg.QueryResult[]
      expect(several.map((one) => one.rows)).toEqual([[{ a: 1 }], [{ search_path: 'mlflow' }]])
      expect((await client.query('SELECT experiment_name FROM v1_experiments')).rows).toEqual([
        { experiment_name: 'Default' },
      ])
    })
  })

  it('keeps transactions, cursors and settings of each client for itself', async () => {
    const { port } = await serveSql()
    const [one, other] = await Promise.all([connected(port), connected(port)])
    await one.query("SET timezone = 'Asia/Tokyo'")
    expect((await one.query('SHOW timezone')).rows).toEqual([{ TimeZone: 'Asia/Tokyo' }])
    expect((await other.query('SHOW timezone')).rows).not.toEqual([{ TimeZone: 'Asia/Tokyo' }])
    await one.query('BEGIN')
    await one.query('DECLARE c CURSOR FOR SELECT i FROM generate_series(1, 100) AS s(i) ORDER BY i')
    expect((await one.query('FETCH 2 FROM c')).rows).toEqual([{ i: 1 }, { i: 2 }])
    await expect(other.query('FETCH 2 FROM c')).rejects.toMatchObject({ code: '34000' })
    expect((await one.query('FETCH FORWARD ALL FROM c')).rows).toHaveLength(98)
    await expect(one.query('SELECT 1/0')).rejects.toMatchObject({ code: '22012' })
    await expect(one.query('SELECT 1')).rejects.toMatchObject({ code: '25P02' })
    await one.query('ROLLBACK')
    await expect(one.query('FETCH c')).rejects.toMatchObject({ code: '34000' })
    expect((await one.query('SELECT 1 AS a')).rows).toEqual([{ a: 1 }])
    // An open transaction holds up nobody.
    await one.query('BEGIN')
    await one.query('SELECT 1')
    const many = Array.from({ length: 10 }, async (_, i) =>
      withClient(port, async (client) => (await client.query('SELECT $1::int AS i', [i])).rows),
    )
    expect(await Promise.all(many)).toEqual(Array.from({ length: 10 }, (_, i) => [{ i }]))
    await Promise.all([one.end(), other.end()])
  })

  const refused: [string, string | RegExp][] = [
    ['DELETE FROM runs', '25006'],
    ["INSERT INTO runs (run_id) VALUES ('x') RETURNING run_id", '25006'],
    ['WITH x AS (DELETE FROM runs RETURNING *) SELECT * FROM x', /./],
    ['SELECT * INTO mine FROM runs', /./],
    ['SELECT * FROM runs FOR UPDATE', /./],
    ['EXPLAIN ANALYZE DELETE FROM runs', '25006'],
    ['EXPLAIN ANALYZE WITH x AS (DELETE FROM runs RETURNING *) SELECT * FROM x', '25006'],
    ['CREATE TEMP TABLE mine (i int)', '25006'],
    ["COPY runs TO '/tmp/runs.csv'", '25006'],
    ['COPY runs TO STDOUT', '25006'],
    ['DO $$ BEGIN END $$', '25006'],
    ['SET ROLE postgres', '25006'],
    ['SET SESSION AUTHORIZATION postgres', '25006'],
    ['RESET ROLE', '25006'],
    ['SET default_transaction_read_only = off', '25006'],
    ['SET session_replication_role = replica', '25006'],
    ['PREPARE p AS DELETE FROM runs', '25006'],
    ['DECLARE c CURSOR FOR DELETE FROM runs', '25006'],
    ['LISTEN a', '25006'],
    ['VACUUM', '25006'],
    ["SELECT set_config('role', 'postgres', false)", '42501'],
    ["SELECT pg_read_file('/etc/hostname')", '42501'],
    ["SELECT lo_import('/etc/hostname')", '42501'],
    ['SELECT pg_terminate_backend(pg_backend_pid())', '42501'],
    ['SELECT pg_advisory_lock(1)', '42501'],
    ['SELECT secret FROM webhooks', '42501'],
    ['SELECT * FROM pg_authid', '42501'],
    ["SELECT dblink('', '')", '42883'],
    [`SELECT 1${' UNION ALL SELECT 1'.repeat(20_000)}`, '54000'],
  ]

  describe('refuses, in both protocols:', () => {
    let served: Served
    let client: pg.Client

    beforeAll(async () => {
      served = await serveSql()
      client = await connected(served.port)
    })
    afterAll(() => client.end())

    // The server of this suite ends with its first test; all are in one.
    it('what writes, what gives other rights, what does things', async () => {
      await createRun(served.server)
      for (const [text, code] of refused) {
        for (const queryMode of ['simple', 'extended']) {
          const error = await client
            .query({ text, queryMode } as pg.QueryConfig)
            .catch((reason: unknown) => reason)
          expect({ text, code: (error as { code?: string }).code }).toEqual({
            text,
            code: typeof code === 'string' ? code : expect.stringMatching(code),
          })
        }
      }
      await expect(client.query('SET work_mem = 1')).rejects.toThrow(/^SET work_mem is not taken/)
      await expect(client.query('SELECT 1; DELETE FROM runs')).rejects.toMatchObject({ code: '25006' })
      await expect(
        client.query({ text: 'SELECT 1; DELETE FROM runs', queryMode: 'extended' } as pg.QueryConfig),
      ).rejects.toMatchObject({ code: '42601' })
      await expect(client.query('BEGIN; COMMIT; DELETE FROM runs')).rejects.toMatchObject({ code: '25006' })
      const { rows } = await client.query(
        'SELECT count(*)::int AS runs, current_user AS role FROM runs GROUP BY 2',
      )
      expect(rows).toEqual([{ runs: 1, role: 'crateflow_reader' }])
    })
  })

  it('ends long statements, at once when asked to, and others log meanwhile', async () => {
    const { server, port } = await serveSql(['--sql-timeout', '2'])
    const runId = await createRun(server)
    const client = await connected(port)
    const slow = client.query(SLOW).catch((error: unknown) => error)
    await sleep(200)
    const begun = performance.now()
    const metric = { run_id: runId, key: 'loss', value: 1, timestamp: 1 }
    expect((await server.request('POST', '/api/2.0/mlflow/runs/log-metric', metric)).status).toBe(200)
    expect(performance.now() - begun).toBeLessThan(4_000)
    expect(await slow).toMatchObject({ code: '57014', message: expect.stringMatching(/timeout/) })

    const again = client.query(SLOW).catch((error: unknown) => error)
    await sleep(300)
    const cancelled = performance.now()
    const { processID, secretKey } = client as unknown as { processID: number; secretKey: number }
    cancel(port, processID, secretKey)
    expect(await again).toMatchObject({ code: '57014', message: expect.stringMatching(/user request/) })
    expect(performance.now() - cancelled).toBeLessThan(1_500)
    // A key that is nobody's ends nothing.
    cancel(port, processID, secretKey ^ 1)
    const latest = await client.query(`SELECT metrics['loss']::float8 AS loss FROM v1_runs`)
    expect(latest.rows).toEqual([{ loss: 1 }])
    await client.end()
  })

  it('ends a statement that would take all memory, and goes on', async () => {
    const { server, port } = await serveSql(['--sql-timeout', '30'])
    const client = await connected(port)
    const large = "SELECT length(string_agg(repeat('x', 1000000), '')) FROM generate_series(1, 900)"
    await expect(client.query(large)).rejects.toMatchObject({ code: '53200' })
    expect((await client.query('SELECT 1 AS a')).rows).toEqual([{ a: 1 }])
    await createRun(server)
    await client.end()
  })

  it('asks for the password that is set, and for one where others may connect', async () => {
    const { port } = await serveSql([], { CRATEFLOW_SQL_PASSWORD: 'pass, word=ü' })
    await expect(connected(port, { password: 'wrong' })).rejects.toMatchObject({ code: '28P01' })
    await expect(connected(port)).rejects.toThrow(/password/)
    const client = await connected(port, { password: 'pass, word=ü' })
    expect((await client.query('SELECT 1 AS a')).rows).toEqual([{ a: 1 }])
    await client.end()
    const open = await runProgram(['server', '--sql-port', '0', '--sql-host', '0.0.0.0'])
    expect(open).toMatchObject({ code: 2, stderr: expect.stringMatching(/CRATEFLOW_SQL_PASSWORD/) })
  })

  it('is for the embedded database alone', async () => {
    const args = ['server', '--sql-port', '5433', '--backend-store-uri', 'cratedb://crate@127.0.0.1:1/']
    const ended = await runProgram(args)
    expect(ended).toMatchObject({ code: 2, stderr: expect.stringMatching(/a port of their own/) })
  })

  it('outlives what is no PostgreSQL client', async () => {
    const { port } = await serveSql()
    const bytes = [
      Buffer.from('GET / HTTP/1.1\r\nHost: x\r\n\r\n'),
      Buffer.from([0, 0, 0, 8, 0, 3, 0, 0]),
      Buffer.from([255, 255, 255, 255, 0, 3, 0, 0]),
      Buffer.concat([startup(), Buffer.from([0x51, 0x7f, 0xff, 0xff, 0xff])]),
      Buffer.concat([startup(), Buffer.from([0x42, 0, 0, 0, 8, 0, 0, 0xff, 0xff])]),
      Buffer.concat([startup(), Buffer.from([0x51, 0, 0, 0, 6, 0x31, 0x31])]),
    ]
    for (const sent of bytes) {
      await new Promise<void>((resolve) => {
        const socket = connect(port, '127.0.0.1', () => socket.end(sent))
        socket.on('error', () => {})
        socket.resume().once('close', () => resolve())
      })
    }
    expect(await withClient(port, async (client) => (await client.query('SELECT 1 AS a')).rows)).toEqual([
      { a: 1 },
    ])
  })

  it('lets in clients beside any number of connections that never say who they are', async () => {
    const { port } = await serveSql()
    const silent = Array.from({ length: 200 }, () => connect(port, '127.0.0.1').on('error', () => {}))
    try {
      await Promise.all(silent.map((socket) => once(socket, 'connect')))
      const clients = await Promise.all(Array.from({ length: 16 }, () => connected(port)))
      for (const socket of silent.slice(0, 100)) socket.destroy()
      silent.push(...Array.from({ length: 100 }, () => connect(port, '127.0.0.1').on('error', () => {})))
      for (const client of clients) {
        expect((await client.query('SELECT 1 AS a')).rows).toEqual([{ a: 1 }])
        await client.end()
      }
    } finally {
      for (const socket of silent) socket.destroy()
    }
  })

  it.skipIf(!hasPsql)('answers psql: its own questions, its cursors, places of errors', async () => {
    const { port } = await serveSql()
    const psql = async (...args: string[]) => {
      const all = ['-X', '-A', '-t', '-h', '127.0.0.1', '-p', String(port), '-U', 'analyst', 'any', ...args]
      const { stdout, stderr } = await promisify(execFile)('psql', all).catch((error) => error)
      return { stdout: stdout as string, stderr: stderr as string }
    }
    const { stdout } = await psql('-c', '\\dv', '-c', '\\d v1_runs', '-c', 'SELECT 2 * 21')
    expect(stdout).toMatch(/v1_runs\|view/)
    expect(stdout).toMatch(/started_at\|timestamp without time zone/)
    expect(stdout).toMatch(/^42$/m)
    const pieces = await psql('-v', 'FETCH_COUNT=7', '-c', 'SELECT i FROM generate_series(1, 100) AS s(i)')
    expect(pieces.stdout.trim().split('\n')).toHaveLength(100)
    const wrong = await psql('-c', 'SELECT nosuch\nFROM runs')
    expect(wrong.stderr).toBe(
      'ERROR:  column "nosuch" does not exist\nLINE 1: SELECT nosuch\n               ^\n',
    )
  })

  it.skipIf(missing('python'))('answers psycopg2, SQLAlchemy and pandas', async () => {
    const { port } = await serveSql()
    const output = await pythonOutput(`
import json, threading, time
import pandas as pd, psycopg2
connection = psycopg2.connect(host="127.0.0.1", port=${port}, user="analyst", dbname="any")
cursor = connection.cursor()
cursor.execute("SELECT %s::int + 1, ARRAY['a'], 'NaN'::float8, '{\\"a\\": 1}'::jsonb", (41,))
row = cursor.fetchone()
named = connection.cursor("named")
named.itersize = 100
named.execute("SELECT i FROM generate_series(1, 1000) AS s(i)")
total = sum(number for number, in named)
connection.commit()
threading.Timer(0.3, connection.cancel).start()
try:
    connection.cursor().execute("${SLOW}")
except psycopg2.errors.QueryCanceled as error:
    cancelled = str(error).strip()
connection.rollback()
frame = pd.DataFrame({"total": [total]})
try:
    import sqlalchemy
    engine = sqlalchemy.create_engine("postgresql+psycopg2://analyst@127.0.0.1:${port}/any")
    with engine.connect().execution_options(stream_results=True) as streamed:
        chunks = pd.read_sql("SELECT i FROM generate_series(1, 5000) AS s(i)", streamed, chunksize=1000)
        lengths = [len(chunk) for chunk in chunks]
    views = sqlalchemy.inspect(engine).get_view_names()
    frame = pd.read_sql(sqlalchemy.text("SELECT experiment_name, created_at FROM v1_experiments WHERE experiment_id = :id"), engine, params={"id": 0})
except ImportError as error:
    raise SystemExit(str(error))
print(json.dumps([row[0], row[1], str(row[2]), row[3], total, cancelled, lengths, "v1_runs" in views, list(frame.experiment_name), str(frame.created_at.dtype)]))`)
    expect(JSON.parse(output)).toEqual([
      ...[42, ['a'], 'nan', { a: 1 }, 500_500, 'canceling statement due to user request'],
      ...[[1000, 1000, 1000, 1000, 1000], true, ['Default'], expect.stringMatching(/^datetime64/)],
    ])
  })
})

/** Asks on a connection of its own that a statement ends. */
function cancel(port: number, id: number, secret: number): void {
  const request = Buffer.alloc(16)
  for (const [i, value] of [16, 80877102, id, secret].entries()) request.writeInt32BE(value, 4 * i)
  const socket = connect(port, '127.0.0.1', () => socket.end(request))
  socket.on('error', () => {})
}

/** The first message of a client. */
function startup(): Buffer {
  const parameters = Buffer.from('user\0analyst\0\0')
  const head = Buffer.alloc(8)
  head.writeInt32BE(8 + parameters.length, 0)
  head.writeInt32BE(3 << 16, 4)
  return Buffer.concat([head, parameters])
}
