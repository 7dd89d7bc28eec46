import { readdirSync, readFileSync } from 'node:fs'
import { request as httpRequest } from 'node:http'
import { sql } from 'drizzle-orm'
import { describe, expect, it } from 'vitest'
import { describeEachEngine } from '../support/engines.ts'
import { emptyFolder, type RunningServer, runProgram, runServer } from './program.ts'

const SMALL = { CRATEFLOW_CRATEDB_SHARDS: '1', CRATEFLOW_CRATEDB_REPLICAS: '0' }
const API = '/api/2.0/mlflow'

/** Sends over a connection of its own, so that any worker may answer. */
function ask(server: RunningServer, path: string, body?: unknown): Promise<{ status: number; text: string }> {
  return new Promise((resolve, reject) => {
    const sent = httpRequest(
      server.url + path,
      { agent: false, method: body ? 'POST' : 'GET', headers: { 'content-type': 'application/json' } },
      (answer) => {
        let text = ''
        answer.setEncoding('utf8').on('data', (part) => {
          text += part
        })
        answer.on('end', () => resolve({ status: answer.statusCode ?? 0, text })).on('error', reject)
      },
    )
    sent.on('error', reject).end(body && JSON.stringify(body))
  })
}

/** Process ids of the workers; none when the server is gone. */
function workersOf({ pid }: RunningServer): number[] {
  try {
    return readdirSync(`/proc/${pid}/task`).flatMap((task) =>
      readFileSync(`/proc/${pid}/task/${task}/children`, 'utf8').split(' ').filter(Boolean).map(Number),
    )
  } catch (error) {
    if (['ENOENT', 'ESRCH'].includes((error as NodeJS.ErrnoException).code ?? '')) return []
    throw error
  }
}

/** Kills a process unless it has just ended by itself. */
function kill(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL')
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error
  }
}

/** Numbers of the workers that logged an answered request. */
const answering = (server: RunningServer): Set<number> =>
  new Set(
    server.output.stderr
      .split('\n')
      .filter((line) => line.includes('"msg":"request"'))
      .map((line) => JSON.parse(line).worker),
  )

describeEachEngine(
  'a server with workers',
  (engine) => {
    const start = (...args: string[]) =>
      runServer(['--backend-store-uri', engine.uri, '--workers', '3', '--log-level', 'debug', ...args], {
        env: SMALL,
      })

    it('shows what one worker acknowledged in the next request to any other', async () => {
      const server = await start()
      const rounds = async (client: number) => {
        for (let round = 0; round < 20; round++) {
          const name = `of ${client} in ${round}`
          expect((await ask(server, `${API}/experiments/create`, { name })).status).toBe(200)
          const found = await ask(server, `${API}/experiments/search`, {
            max_results: 5,
            filter: `name = '${name}'`,
          })
          expect(JSON.parse(found.text).experiments).toMatchObject([{ name }])
        }
      }
      await Promise.all([1, 2, 3, 4, 5, 6].map(rounds))
      expect([...answering(server)].sort()).toEqual([1, 2, 3])
    })

    it('adds the metrics of all workers up', async () => {
      const server = await start('--expose-prometheus', 'unused')
      const requests = Array.from({ length: 30 }, () => ask(server, `${API}/experiments/get?experiment_id=0`))
      await Promise.all(requests)
      expect(answering(server).size).toBe(3)
      const { text } = await ask(server, '/metrics')
      expect(text).toMatch(
        /^mlflow_http_request_total\{method="GET",route="\/api\/2\.0\/mlflow\/experiments\/get",status="200"\} 30$/m,
      )
      expect(text).toContain('mlflow_exporter_info{version="3.17.2"} 1\n')
      const [, statements] =
        /^crateflow_database_statements_total\{outcome="answered"\} (\d+)$/m.exec(text) ?? []
      // Each worker has asked for the default experiment at its start.
      expect(Number(statements)).toBeGreaterThanOrEqual(3)
    })

    it('replaces workers that are killed, all at once too, on the same port', async () => {
      const server = await start()
      for (const killed of [1, 3]) {
        const before = workersOf(server)
        expect(before).toHaveLength(3)
        for (const pid of before.slice(0, killed)) kill(pid)
        const renewed = () => workersOf(server).filter((pid) => !before.includes(pid))
        await expect.poll(renewed, { timeout: 30_000 }).toHaveLength(killed)
        const status = () =>
          ask(server, '/ready').then(
            (answer) => answer.status,
            () => 0,
          )
        await expect.poll(status, { timeout: 30_000 }).toBe(200)
      }
      server.signal('SIGTERM')
      expect((await server.ended).code).toBe(0)
    })

    it('gives up when its workers die again and again', async () => {
      const server = await start()
      const killing = setInterval(() => {
        for (const pid of workersOf(server)) kill(pid)
      }, 20)
      const { code, stderr } = await server.ended.finally(() => clearInterval(killing))
      expect(stderr).toMatch(/^crateflow: Workers end again and again, the last one with SIGKILL\.$/m)
      expect(code).toBe(1)
    })

    it('leaves no worker behind when the primary process is killed', async () => {
      const server = await start()
      server.signal('SIGKILL')
      // Standard error, which the workers write to, is closed when the last of them is gone.
      await server.ended
      await expect(ask(server, '/health')).rejects.toThrow('ECONNREFUSED')
    })
  },
  ['CrateDB'],
  ['PostgreSQL'],
)

describeEachEngine(
  'the connections of all workers',
  (engine) => {
    it('are no more than --db-pool-size', async () => {
      const observer = await engine.open()
      // Other tests' servers are in the same database.
      const database = `workers_${crypto.randomUUID().replaceAll('-', '')}`
      await observer.execute(sql`CREATE DATABASE ${sql.identifier(database)}`)
      const uri = new URL(engine.uri)
      uri.pathname = database
      const args = ['--backend-store-uri', uri.href, '--workers', '3', '--db-pool-size', '7']
      const server = await runServer(args)
      const application = sql`SELECT count(*) AS count FROM pg_stat_activity WHERE datname = ${database}`
      const idle = Number((await observer.execute<{ count: string }>(application)).rows[0]?.count)
      await Promise.all(
        Array.from({ length: 200 }, (_, index) =>
          ask(server, `${API}/experiments/create`, { name: `experiment ${index}` }),
        ),
      )
      const busy = Number((await observer.execute<{ count: string }>(application)).rows[0]?.count)
      expect(idle).toBeGreaterThanOrEqual(3)
      expect(busy).toBeGreaterThan(3)
      expect(busy).toBeLessThanOrEqual(7)
      server.signal('SIGTERM')
      await server.ended
      await observer.execute(sql`DROP DATABASE ${sql.identifier(database)} WITH (FORCE)`)
    })

    it('make as many workers as there are connections', async () => {
      const args = ['--backend-store-uri', engine.uri, '--workers', '3', '--db-pool-size', '2']
      const server = await runServer(args)
      expect(workersOf(server)).toHaveLength(2)
      expect(server.output.stderr).toContain('3 workers were asked for, 2 will serve')
    })
  },
  ['PostgreSQL'],
)

describe('a server with workers', () => {
  it('serves by one process on the embedded database, and says so', async () => {
    const cwd = await emptyFolder()
    const server = await runServer(['--workers', '4'], { cwd })
    expect(workersOf(server)).toEqual([])
    expect(server.output.stderr).toContain(
      '4 workers were asked for, 1 will serve: the embedded database has one owner.',
    )
  })

  it('tells once why it cannot listen', async () => {
    const server = await runServer(['--artifacts-only', '--workers', '1'])
    const port = new URL(server.url).port
    const { code, stderr } = await runProgram([
      ...['server', '--artifacts-only', '--workers', '3', '--port', port],
    ])
    expect(stderr.match(/is in use/g)).toHaveLength(1)
    expect(stderr).toMatch(/^crateflow: Port \d+ of 127\.0\.0\.1 is in use\. Choose another with --port\.$/m)
    expect(code).toBe(1)
  })
})
