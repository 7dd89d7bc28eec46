import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { beginServer, emptyFolder, runServer } from './program.ts'

const MIB = 1024

/** The most memory that a process had so far, in MiB. */
const peakOf = (pid: number) =>
  Number(/^VmHWM:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]) / MIB

describe('the embedded database', () => {
  it('takes less than 450 MiB in the run that makes it too', async () => {
    const server = await runServer([], { cwd: await emptyFolder() })
    expect((await server.request('GET', '/ready')).status).toBe(200)
    expect(peakOf(server.pid)).toBeLessThan(450)
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
})
