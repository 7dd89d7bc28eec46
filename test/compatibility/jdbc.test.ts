// PostgreSQL's JDBC driver at the SQL port of the embedded database, as DBeaver and other tools in Java use it.
import { execFile } from 'node:child_process'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { describe, expect, it } from 'vitest'
import { createRun, emptyFolder, runServer } from '../cli/program.ts'
import { classPath, lackingJava } from './maven.ts'

const PROGRAM = join(import.meta.dirname, 'programs/jdbc')
const PASSWORD = 'a password'
const EXPECTED = {
  product: 'PostgreSQL',
  schemas: 'true',
  catalogs: 'true',
  tables: 'true',
  views: 'true',
  columns: '[run_id, key, value, experiment_id]',
  'primary key': '[run_id, key]',
  'foreign keys': '[]',
  indexes: 'true',
  types: 'true',
  functions: 'true',
  'fetch size': '3126250',
  prepared: '42 grün 0.5 true 1700000000123 [1, 2] 12.50',
  view: 'press {"loss": 0.25} jsonb',
  write: 'refused 25006',
  'read only': '[1]',
  'error, then on': '42703 [2]',
  'query timeout': 'ended 57014',
  valid: 'true',
}

async function answers(): Promise<Record<string, string>> {
  const server = await runServer(['--sql-port', '0'], {
    cwd: await emptyFolder(),
    env: { CRATEFLOW_SQL_PASSWORD: PASSWORD },
  })
  const run_id = await createRun(server)
  await server.request('POST', '/api/2.0/mlflow/runs/update', { run_id, run_name: 'press' })
  const point = { run_id, key: 'loss', value: 0.25, timestamp: 1 }
  await server.request('POST', '/api/2.0/mlflow/runs/log-metric', point)
  const portOf = () => /^SQL: psql -h \S+ -p (\d+)/m.exec(server.output.stdout)?.[1]
  await expect.poll(portOf).toBeDefined()
  const args = [
    '-cp',
    await classPath(join(PROGRAM, 'pom.xml'), 'jdbc'),
    '-Dfile.encoding=UTF-8',
    join(PROGRAM, 'Jdbc.java'),
  ]
  const { stdout } = await promisify(execFile)(
    'java',
    ['-Dstdout.encoding=UTF-8', ...args, `jdbc:postgresql://127.0.0.1:${portOf()}/mlflow`],
    { env: { ...process.env, SQL_PASSWORD: PASSWORD } },
  )
  const lines = stdout.trim().split('\n')
  return Object.fromEntries(lines.map((line) => line.split('\t') as [string, string]))
}

const reason = lackingJava()

describe.skipIf(reason)(`JDBC at the SQL port${reason && ` (${reason})`}`, () => {
  it('lists schemas, tables, views, columns and keys, fetches in pieces, prepares, refuses and ends', async () => {
    expect(await answers()).toEqual(EXPECTED)
  })
})
