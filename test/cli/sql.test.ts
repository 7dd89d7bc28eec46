// `crateflow sql` through a running server and straight from its store: formats, errors.
import { execFile } from 'node:child_process'
import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { describe, expect, it } from 'vitest'
import { pythonOutput } from '../support/python.ts'
import { missing, useService } from '../support/services.ts'
import { emptyFolder, runProgram, runServer } from './program.ts'

const STATEMENT = `SELECT i, 'a,"b' || i AS t, NULL AS n, '{"k": 1}'::json AS j FROM generate_series(1, 2) AS s(i) ORDER BY i`

async function servedStore() {
  const cwd = await emptyFolder()
  const server = await runServer([], { cwd })
  const env = { MLFLOW_TRACKING_URI: server.url }
  return { cwd, server, sql: (...args: string[]) => runProgram(['sql', ...args], { env, cwd }) }
}

describe('crateflow sql', () => {
  it('prints rows as a table, CSV and JSON', async () => {
    const { sql } = await servedStore()
    expect(await sql(STATEMENT)).toEqual({
      code: 0,
      stdout: ['i  t      n  j', '1  a,"b1     {"k":1}', '2  a,"b2     {"k":1}', '(2 rows)', ''].join('\n'),
      stderr: '',
    })
    expect((await sql(STATEMENT, '--format', 'csv')).stdout).toBe(
      ['i,t,n,j', '1,"a,""b1",,"{""k"":1}"', '2,"a,""b2",,"{""k"":1}"', ''].join('\n'),
    )
    expect(JSON.parse((await sql(STATEMENT, '--format', 'json')).stdout)).toEqual([
      { i: 1, t: 'a,"b1', n: null, j: { k: 1 } },
      { i: 2, t: 'a,"b2', n: null, j: { k: 1 } },
    ])
    expect((await sql('SELECT 1 AS a WHERE false', '--format', 'json')).stdout).toBe('[]\n')
    const alike = await sql('SELECT 1 AS a, 2 AS a, 3 AS a_2, 4 AS a', '--format', 'json')
    expect(JSON.parse(alike.stdout)).toEqual([{ a: 1, a_3: 2, a_2: 3, a_4: 4 }])
  })

  it.skipIf(missing('python'))('writes Parquet that others read, with types, by row groups', async () => {
    const { sql, cwd } = await servedStore()
    const statement = `SELECT i, i * 1000000000000::bigint AS large, i / 4.0 AS f, i > 2 AS b, md5(i::text) AS h,
      '{"k": 1}'::jsonb AS j, '2026-01-02 03:04:05.678'::timestamp AS t, NULL AS n FROM generate_series(1, 120000) AS s(i)`
    expect(await sql(statement, '--format', 'parquet', '--output', 'rows.parquet')).toMatchObject({
      code: 0,
      stderr: '',
    })
    const file = join(cwd, 'rows.parquet')
    expect(existsSync(file)).toBe(true)
    const read = await pythonOutput(`
import json, pyarrow.parquet as pq
table = pq.read_table(${JSON.stringify(file)})
row = table.slice(119999, 1).to_pylist()[0]
row["t"] = row["t"].isoformat()
print(json.dumps([pq.ParquetFile(${JSON.stringify(file)}).num_row_groups, table.num_rows, row]))`)
    expect(JSON.parse(read)).toEqual([
      3,
      120_000,
      {
        i: 120_000,
        large: 120_000_000_000_000_000,
        f: 30_000,
        b: true,
        h: createHash('md5').update('120000').digest('hex'),
        j: expect.stringMatching(/^{"k": ?1}$/),
        t: '2026-01-02T03:04:05.678000+00:00',
        n: null,
      },
    ])
  })

  it('tells what is wrong in one line, and with the code of a failure', async () => {
    const { sql } = await servedStore()
    expect(await sql('SELECT nosuch FROM runs')).toMatchObject({
      code: 1,
      stderr: 'crateflow: column "nosuch" does not exist\n',
    })
    expect((await sql('DELETE FROM runs')).stderr).toMatch(/not DELETE: SQL reads, and the API writes/)
    const off = await runProgram(['sql', 'SELECT 1', '--tracking-uri', 'http://127.0.0.1:9'])
    expect(off).toMatchObject({ code: 1, stderr: expect.stringMatching(/cannot be reached/) })
    expect(await sql(' ')).toMatchObject({
      code: 2,
      stderr: expect.stringMatching(/^crateflow: There is no statement/),
    })
    const both = ['--tracking-uri', 'http://127.0.0.1:9', '--backend-store-uri', 'pglite:x']
    expect(await runProgram(['sql', 'SELECT 1', ...both])).toMatchObject({ code: 2 })
  })

  it('ends without a word when nobody reads any more', async () => {
    const { server, cwd } = await servedStore()
    const { main } = await useService('build')
    const statement = 'SELECT i FROM generate_series(1, 1000000) AS s(i)'
    const begin = `"$0" "$1" sql "$2" --format csv --tracking-uri "$3"`
    const ended = await promisify(execFile)(
      'bash',
      ['-c', `set -o pipefail; ${begin} | head -n 2`, process.execPath, main, statement, server.url],
      { cwd },
    )
    expect(ended).toEqual({ stdout: 'i\n1\n', stderr: '' })
  })

  it('shows nothing that a terminal would obey, and nothing of another server', async () => {
    const { sql } = await servedStore()
    const { stdout } = await sql(
      "SELECT 'a' || chr(27) || '[31m' || chr(8238) || 'b' || chr(8297) || 'c' AS x",
    )
    expect(stdout).toBe('x\na [31m b c\n(1 row)\n')
    const other = createServer((_request, response) => response.end('<html>'))
    await once(other.listen(0, '127.0.0.1'), 'listening')
    const { port } = other.address() as AddressInfo
    const asked = await runProgram(['sql', 'SELECT 1', '--tracking-uri', `http://127.0.0.1:${port}`])
    other.close()
    expect(asked).toMatchObject({ code: 1, stderr: expect.stringMatching(/is it a Crateflow server\?\n$/) })
  })

  it('is refused where the server answers no SQL', async () => {
    const server = await runServer(['--sql', 'off'], { cwd: await emptyFolder() })
    const refused = await runProgram(['sql', 'SELECT 1', '--tracking-uri', server.url])
    expect(refused.stderr).toBe('crateflow: SQL is switched off on this server (--sql).\n')
  })

  it('asks a store that no server has open, and says so when one has', async () => {
    const { server, cwd } = await servedStore()
    const store = ['--backend-store-uri', 'pglite:./crateflow-data/store']
    const locked = await runProgram(['sql', 'SELECT 1', ...store], { cwd })
    expect(locked).toMatchObject({ code: 1, stderr: expect.stringMatching(/crateflow-data\/store/) })
    const status = await runProgram(['status', ...store], { cwd })
    expect(status).toMatchObject({
      code: 1,
      stderr: expect.stringMatching(/in use by .* doctor --tracking-uri/),
    })
    const nowhere = ['--backend-store-uri', 'pglite:./nowhere']
    expect(await runProgram(['sql', 'SELECT 1', ...nowhere], { cwd })).toMatchObject({ code: 2 })
    expect(existsSync(join(cwd, 'nowhere'))).toBe(false)
    server.signal('SIGTERM')
    await server.ended
    const args = [
      'SELECT experiment_name FROM v1_experiments',
      ...store,
      '--format',
      'csv',
      '--output',
      'names.csv',
    ]
    expect(await runProgram(['sql', ...args], { cwd })).toMatchObject({ code: 0, stderr: '' })
    expect(await readFile(join(cwd, 'names.csv'), 'utf8')).toBe('experiment_name\nDefault\n')
  })
})
