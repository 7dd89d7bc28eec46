import { spawnSync } from 'node:child_process'
import { readdirSync, readFileSync } from 'node:fs'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { beginServer, createRun, emptyFolder, runServer } from './program.ts'

const API = '/api/2.0/mlflow'
const MIB = 1024

/** The most memory that a process had so far, in MiB. */
const peakOf = (pid: number) =>
  Number(/^VmHWM:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]) / MIB

describe('the embedded database', () => {
  // V8 13.6 compiles one of PostgreSQL's functions with 600 MB (docs/embedded.md), some seconds after the start.
  const mostMiB = Number(process.versions.node.split('.')[0]) >= 24 ? 900 : 450

  it(`takes less than ${mostMiB} MiB in the run that makes it too`, async () => {
    const server = await runServer([], { cwd: await emptyFolder() })
    expect((await server.request('GET', '/ready')).status).toBe(200)
    expect(peakOf(server.pid)).toBeLessThan(mostMiB)
  })

  it('is made anew after a crash while it was being made', async () => {
    const cwd = await emptyFolder()
    const folder = join(cwd, 'crateflow-data/store')
    const files = () => {
      try {
        return readdirSync(folder)
      } catch {
        return []
      }
    }
    const first = await beginServer([], { cwd })
    await expect
      .poll(() => files().some((name) => name.startsWith('new-')), { timeout: 60_000, interval: 10 })
      .toBe(true)
    first.signal('SIGKILL')
    expect((await first.ended).code).toBeUndefined()
    expect(files()).not.toContain('PG_VERSION')

    const second = await runServer([], { cwd })
    const created = await second.request('POST', '/api/2.0/mlflow/experiments/create', { name: 'kept' })
    expect(created.status).toBe(200)
    expect(files()).toContain('PG_VERSION')
    expect(files().filter((name) => name.startsWith('new-'))).toEqual([])
  })

  const limit = spawnSync('prlimit', ['--version']).error ? it.skip : it

  limit('answers 503 while its log cannot grow, and goes on by itself afterwards', async () => {
    const cwd = await emptyFolder()
    // Without a listener the first write beyond the limit would end the process.
    await writeFile(join(cwd, 'listen.cjs'), "process.on('SIGXFSZ', () => {})")
    const server = await runServer([], { cwd, env: { NODE_OPTIONS: '--require ./listen.cjs' } })
    const run_id = await createRun(server)
    const log = async (step: number) => {
      const point = { run_id, key: 'loss', value: 1, timestamp: 1, step }
      return (await server.request('POST', `${API}/runs/log-metric`, point)).status
    }
    expect(await log(0)).toBe(200)

    limitFiles(server.pid, '100000')
    for (let step = 1; step <= 4; step++) expect(await log(step)).toBe(503)
    limitFiles(server.pid, 'unlimited')
    expect(await log(5)).toBe(200)

    const { body } = await server.request('GET', `${API}/runs/get?run_id=${run_id}`)
    expect(body).toMatchObject({ run: { data: { metrics: [{ key: 'loss', step: 5 }] } } })
    server.signal('SIGTERM')
    expect((await server.ended).code).toBe(0)
  })
})

/** Limits the size in bytes of the files that a process may write. */
const limitFiles = (pid: number, size: string) =>
  expect(spawnSync('prlimit', ['--pid', String(pid), `--fsize=${size}:unlimited`]).status).toBe(0)
