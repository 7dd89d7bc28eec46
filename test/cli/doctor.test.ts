// `crateflow doctor`: what a server needs, and servers that run.
import { existsSync } from 'node:fs'
import { mkdir, readdir, writeFile } from 'node:fs/promises'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { describeEachEngine } from '../support/engines.ts'
import { startMinio } from '../support/minio.ts'
import { SMALL } from '../support/server.ts'
import { missing } from '../support/services.ts'
import { emptyFolder, runProgram, runServer } from './program.ts'

const SECRET = 'hunter2'

/** The findings of a doctor who is asked for JSON, by subject, as `verdict text`; advice behind an arrow. */
async function findingsOf(args: string[], options: { env?: Record<string, string>; cwd?: string } = {}) {
  const { code, stdout, stderr } = await runProgram(['doctor', '--json', ...args], options)
  const { findings } = JSON.parse(stdout) as {
    findings: { verdict: string; subject: string; text: string; advice?: string }[]
  }
  const told = (subject: string) =>
    findings
      .filter((finding) => finding.subject === subject)
      .map(({ verdict, text, advice }) => `${verdict} ${text}${advice ? ` -> ${advice}` : ''}`)
      .join('\n')
  return { code, stderr, told, all: stdout }
}

/** A server that answers every request alike. */
async function answering(status: number, body: string): Promise<{ port: number; close: () => void }> {
  const server = createServer((_request, response) => void response.writeHead(status).end(body))
  await new Promise<void>((resolve) => void server.listen(0, '127.0.0.1', resolve))
  const close = () => {
    server.closeAllConnections()
    server.close()
  }
  return { port: (server.address() as AddressInfo).port, close }
}

const DATABASE = {
  CrateDB: /^ok CrateDB \d+\.\d+\.\d+ at cratedb:.* answers in .+$/,
  PGlite: /^ok PostgreSQL \d+\.\d+ at pglite:.* answers in .+$/,
  PostgreSQL: /^ok PostgreSQL \d+\.\d+ at postgresql:.* answers in .+$/,
}

describeEachEngine('crateflow doctor', (engine) => {
  it('finds a database well, and tells its version, schema and clock', async () => {
    const cwd = await emptyFolder()
    const env = { ...SMALL, MLFLOW_BACKEND_STORE_URI: engine.uri }
    if (engine.name === 'PostgreSQL') await runProgram(['db', 'migrate'], { env })
    const { code, told, stderr } = await findingsOf(['--port', '0'], { env, cwd })
    expect(stderr).toBe('')
    expect(told('Database')).toMatch(DATABASE[engine.name])
    expect(told('Schema')).toMatch(/^ok \w+ has version \d+, the newest$/)
    expect(told('Settings')).toBe(
      'ok MLFLOW_BACKEND_STORE_URI, CRATEFLOW_CRATEDB_SHARDS, CRATEFLOW_CRATEDB_REPLICAS, CRATEFLOW_SQL_VIEWS, --port, CRATEFLOW_UI; all else by default',
    )
    if (engine.name !== 'PGlite')
      expect(told('Clock')).toMatch(/^ok that of the database is .+ (ahead|behind)$/)
    if (engine.name === 'CrateDB') {
      expect(told('Cluster')).toBe('ok 1 node')
      expect(told('Tables')).toBe('ok all shards are there')
      expect(told('Replicas')).toMatch(/^ok one node holds all data/)
      expect(told('Shards')).toMatch(/^ok \d+ of at most \d+$/)
    }
    expect(code).toBe(0)
    expect(await readdir(cwd)).toEqual([])
  })

  it('tells of tables that are not there yet, and makes none', async () => {
    const uri = await engine.another({ isNew: true })
    const env = { ...SMALL, MLFLOW_BACKEND_STORE_URI: uri }
    const usual = await findingsOf([], { env })
    if (engine.name === 'PGlite') {
      expect(usual.told('Database')).toMatch(/^ok there is no store in .* yet; the first start makes it$/)
      expect(existsSync(uri.replace(/^pglite:|\?.*/g, ''))).toBe(false)
      return
    }
    expect(usual.told('Schema')).toMatch(/^ok \w+ has no tables yet; the next start of a server makes them$/)
    expect(usual.code).toBe(0)
    const strict = await findingsOf(['--no-migrate'], { env })
    expect(strict.told('Schema')).toMatch(
      /^failure .* has no tables yet, and --no-migrate is set\. -> Run: .* db migrate$/,
    )
    expect(strict.code).toBe(1)
  })

  it('checks a server that runs, and leaves no run behind', async () => {
    const server = await runServer(['--backend-store-uri', engine.uri], {
      env: SMALL,
      cwd: await emptyFolder(),
    })
    const looked = await findingsOf(['--tracking-uri', server.url])
    expect(looked.code).toBe(0)
    for (const subject of ['Server', 'Clock', 'Version', 'Database', 'API'])
      expect(looked.told(subject)).toMatch(/^ok /)
    expect(looked.told('Version')).toBe('ok speaks MLflow 3.17.2')
    expect(looked.told('Writing')).toBe('')
    const search = (run_view_type: string) =>
      server.request('POST', '/api/2.0/mlflow/runs/search', { experiment_ids: ['0'], run_view_type })
    expect((await search('ALL')).body).toEqual({})

    const { code, stdout } = await runProgram(['doctor', '--write', '--tracking-uri', server.url])
    expect(stdout).toMatch(/^ok {7}Writing {11}a run was made in experiment 0, read and deleted in .+$/m)
    expect(stdout).toMatch(/\nAll is well\.\n$/)
    expect(code).toBe(0)
    expect((await search('ACTIVE_ONLY')).body).toEqual({})
    expect((await search('ALL')).body).toMatchObject({
      runs: [{ info: { lifecycle_stage: 'deleted' }, data: { metrics: [{ key: 'doctor', value: 1 }] } }],
    })
  })
})

describeEachEngine(
  'crateflow doctor and a cluster',
  (engine) => {
    it('tells of copies that are wanting, and of what a user with few rights may not see', async () => {
      const opened = await engine.open()
      const run = async (text: string) => {
        const { sql } = await import('drizzle-orm')
        return opened.execute(sql.raw(text))
      }
      await run('ALTER TABLE experiments SET (number_of_replicas = 1)')
      const lacking = await findingsOf(['--backend-store-uri', engine.uri])
      expect(lacking.told('Tables')).toMatch(
        /^warning \d+ shards of tables in \w+ have fewer copies than wanted, on 1 node\. -> Start the nodes/,
      )
      await run('ALTER TABLE experiments SET (number_of_replicas = 0)')
      expect(lacking.code).toBe(0)

      const user = `doctor_${Date.now()}`
      await run(`CREATE USER ${user} WITH (password = '${SECRET}')`)
      await run(`GRANT DQL ON SCHEMA "${opened.schema}" TO ${user}`)
      const uri = engine.uri.replace(/\/\/[^@]*@/, `//${user}:${SECRET}@`)
      const seen = await findingsOf([], { env: { MLFLOW_BACKEND_STORE_URI: uri } })
      await run(`DROP USER ${user}`)
      expect(seen.told('Cluster')).toMatch(
        /^warning this user may not see the state of the cluster.* GRANT DQL/,
      )
      expect(seen.code).toBe(0)
      expect(seen.all).not.toContain(SECRET)
    })
  },
  ['CrateDB'],
)

describe('crateflow doctor', () => {
  it('tells what to do line by line, and ends with 1 when something fails', async () => {
    const cwd = await emptyFolder()
    await writeFile(join(cwd, 'a file'), '')
    const args = [
      'doctor',
      '--port',
      '0',
      '--backend-store-uri',
      'pglite:',
      '--artifacts-destination',
      './a file/x',
    ]
    const { code, stdout, stderr } = await runProgram(args, { cwd })
    expect(stderr).toBe('')
    expect(stdout.split('\n')).toEqual([
      `ok       Node.js           ${process.versions.node}`,
      'ok       Settings          --backend-store-uri, --artifacts-destination, --port, CRATEFLOW_UI; all else by default',
      'ok       Port              any free one of 127.0.0.1',
      'warning  Database          the store is in memory and ends with the server.',
      '                           → To keep it, name a folder: pglite:./crateflow-data/store.',
      expect.stringMatching(
        /^failure {2}Artifacts {9}\.\/a file\/x: a file cannot be made: .* is a file, not a folder\.$/,
      ),
      '                           → Name a folder that this user may write to with --artifacts-destination.',
      'ok       Web UI            not served',
      '1 failure, 1 warning.',
      '',
    ])
    expect(code).toBe(1)
  })

  it('writes, reads and deletes a file in the artifact folder', async () => {
    const cwd = await emptyFolder()
    await mkdir(join(cwd, 'files'))
    const { code, told } = await findingsOf(['--artifacts-destination', './files'], { cwd })
    expect(told('Artifacts')).toBe('ok a file was written to ./files, read and deleted')
    expect(code).toBe(0)
    expect(await readdir(join(cwd, 'files'))).toEqual([])
    expect(await readdir(cwd)).toEqual(['files'])
  })

  it.skipIf(missing('minio'))('does the same in a bucket, and tells of one that is not there', async () => {
    const { bucket, env } = await startMinio()
    const check = (uri: string, more: Record<string, string> = {}) =>
      findingsOf(['--artifacts-destination', uri], { env: { ...env, ...more } })
    const there = await check(`s3://${bucket}/prefix`)
    expect(there.told('Artifacts')).toBe(`ok a file was written to s3://${bucket}/prefix, read and deleted`)
    expect(there.code).toBe(0)
    const absent = await check(`s3://absent-${bucket}`)
    expect(absent.told('Artifacts')).toMatch(/^failure s3:\/\/absent-\S+: a file cannot be \w+: /)
    expect(absent.code).toBe(1)
    const refused = await check(`s3://${bucket}`, { AWS_SECRET_ACCESS_KEY: SECRET })
    expect(refused.told('Artifacts')).toMatch(/^failure s3:/)
    expect(refused.all + refused.stderr).not.toContain(SECRET)
  })

  it('recognises the HTTP port of CrateDB where the PostgreSQL port belongs', async () => {
    const usual = await findingsOf(['--backend-store-uri', 'cratedb://crate@127.0.0.1:4200/'])
    expect(usual.told('Database')).toMatch(/^failure .*port 4200 is CrateDB's HTTP port/)
    expect(usual.code).toBe(1)
    const root = '{"ok":true,"cluster_name":"crate","version":{"number":"6.4.3"}}'
    for (const [body, text] of [
      [root, 'is the HTTP port of CrateDB 6.4.3'],
      ['<html>', 'speaks HTTP'],
    ] as const) {
      const { port, close } = await answering(200, body)
      const env = { MLFLOW_BACKEND_STORE_URI: `cratedb://u:${SECRET}@127.0.0.1:${port}/` }
      const { code, told, all } = await findingsOf([], { env })
      close()
      expect(told('Database')).toBe(
        `failure 127.0.0.1:${port} ${text}; the server needs the port of the PostgreSQL wire protocol, which is 5432 unless set otherwise. -> Correct the port in --backend-store-uri or MLFLOW_BACKEND_STORE_URI.`,
      )
      expect(all).not.toContain(SECRET)
      expect(code).toBe(1)
    }
  })

  it('tells of a database that is away without waiting for it', async () => {
    const uri = `postgresql://u:${SECRET}@127.0.0.1:9/db`
    const { code, told, all, stderr } = await findingsOf(['--backend-store-uri', uri])
    expect(told('Database')).toMatch(
      /^failure The database postgresql:\/\/u@127\.0\.0\.1:9\/db\?schema=mlflow does not answer: .*ECONNREFUSED.* -> Is it running/,
    )
    expect(told('Settings')).toContain('--backend-store-uri holds a password')
    expect(all + stderr).not.toContain(SECRET)
    expect(code).toBe(1)
  })

  it('knows a server that has the port and the store already', async () => {
    const cwd = await emptyFolder()
    const server = await runServer([], { cwd })
    const { port } = new URL(server.url)
    const { code, told } = await findingsOf(['--port', port], { cwd })
    expect(told('Port')).toMatch(
      new RegExp(
        `^warning ${port} of 127.0.0.1 is taken by a server that speaks MLflow 3\\.17\\.2\\. -> .*--tracking-uri`,
      ),
    )
    expect(told('Database')).toMatch(/^warning The store .* is in use by process \d+/)
    expect(code).toBe(0)
    const other = await answering(200, 'hello')
    const taken = await findingsOf(['--port', String(other.port)])
    other.close()
    expect(taken.told('Port')).toMatch(
      /^failure Port \d+ of 127\.0\.0\.1 is in use\. Choose another with --port\.$/,
    )
    expect(taken.code).toBe(1)
  })

  it('tells whether the files of the web UI are there, and whole', async () => {
    const cwd = await emptyFolder()
    const env = { CRATEFLOW_UI: 'true', XDG_CACHE_HOME: join(cwd, 'cache') }
    const check = async (...args: string[]) => {
      const { code, told } = await findingsOf(args, { cwd, env })
      return `${code} ${told('Web UI')}`
    }
    expect(await check()).toMatch(/^0 warning its files are not there yet: .* ui install, or --no-ui\.$/)
    const folder = join(cwd, 'cache/crateflow/ui/3.17.2')
    await mkdir(folder, { recursive: true })
    await writeFile(join(folder, 'index.html'), '')
    const manifest = (files: number) => JSON.stringify({ version: '3.17.2', wheel_sha256: '', files })
    await writeFile(join(folder, '.crateflow-ui.json'), manifest(2))
    expect(await check()).toMatch(/^0 warning The web UI in .* is not complete\. -> .* ui install --force$/)
    expect(await check('--ui-dir', folder)).toMatch(/^1 failure The web UI in .* is not complete\./)
    await writeFile(join(folder, '.crateflow-ui.json'), manifest(1))
    expect(await check()).toMatch(/^0 ok 1 files of MLflow 3\.17\.2 in /)
  })

  it('tells of settings that are none, and of those that are wrong', async () => {
    const misspelt = await findingsOf(['--dev'], { env: { CRATEFLOW_DB_POOLSIZE: '3' } })
    expect(misspelt.told('Settings')).toContain('warning CRATEFLOW_DB_POOLSIZE is no setting.')
    expect(misspelt.told('Settings')).toContain('warning --dev is ignored')
    expect(misspelt.code).toBe(0)
    const wrong = await findingsOf([], { env: { MLFLOW_PORT: 'abc' } })
    expect(wrong.told('Settings')).toMatch(/^failure MLFLOW_PORT must be a whole number from 0 to 65535\./)
    expect(wrong.code).toBe(1)
  })

  it('tells of servers that are away, and of those that are something else', async () => {
    const away = await findingsOf(['--tracking-uri', `http://u:${SECRET}@127.0.0.1:9`])
    expect(away.told('Server')).toMatch(/^failure http:\/\/u:\*\*\*@127\.0\.0\.1:9 cannot be reached: /)
    expect(away.all).not.toContain(SECRET)
    expect(away.code).toBe(1)
    const other = await answering(404, '<html>')
    const strange = await findingsOf(['--tracking-uri', `http://127.0.0.1:${other.port}`])
    other.close()
    expect(strange.told('Server')).toMatch(
      /^failure .*\/health is answered with status 404\. -> Is the path right/,
    )
    expect(strange.code).toBe(1)
    for (const args of [['--write'], ['--tracking-uri', 'file:///tmp']]) {
      const { code, stderr } = await runProgram(['doctor', ...args])
      expect(stderr).toMatch(/^crateflow: .*--tracking-uri/)
      expect(code).toBe(2)
    }
  })
})
