// Child processes of tests never outlive them.
import { execFile, spawn } from 'node:child_process'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import { GUARD, startChild } from '../../support/services/child.ts'

/** False for zombies too: they have ended and wait to be buried. */
const isAlive = (pid: number) =>
  promisify(execFile)('ps', ['-o', 'stat=', '-p', String(pid)]).then(
    ({ stdout }) => !stdout.startsWith('Z'),
    () => false,
  )

describe('child processes of tests', () => {
  let folder: string
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'crateflow-child-'))
  })
  afterAll(() => rm(folder, { recursive: true, force: true }))

  const start = (script: string, ready = async () => true) =>
    startChild({ command: ['sh', '-c', script], logFile: join(folder, `${crypto.randomUUID()}.log`), ready })

  it('end when they are stopped, with the processes that they started', async () => {
    const child = await start('sleep 1000 & echo $!; wait')
    await vi.waitFor(() => expect(child.log()).toMatch(/^\d+\n/))
    const grandchild = Number(child.log())
    expect(await isAlive(grandchild)).toBe(true)
    await child.stop()
    expect(await isAlive(grandchild)).toBe(false)
    expect(await isAlive(child.pid)).toBe(false)
  })

  it('are given the time to end in order', async () => {
    const child = await start('trap "echo ended; exit" TERM; echo started; while :; do sleep 0.05; done')
    await vi.waitFor(() => expect(child.log()).toContain('started'))
    await child.stop()
    expect(child.log()).toContain('ended')
  })

  it('end when the test process is killed', async () => {
    const script = `const { spawn } = require('node:child_process')
      const args = ['-c', process.env.GUARD, 'guard', 'sleep', '1000']
      console.log(spawn('sh', args, { stdio: ['pipe', 'ignore', 'ignore'], detached: true }).pid)`
    const parent = spawn(process.execPath, ['-e', script], { env: { ...process.env, GUARD } })
    const pid = await new Promise<number>((resolve, reject) => {
      parent.stdout.once('data', (text) => resolve(Number(text)))
      parent.once('exit', () => reject(new Error('The parent ended')))
    })
    parent.kill('SIGKILL')
    await vi.waitFor(async () => expect(await isAlive(pid)).toBe(false), { timeout: 60_000 })
  })

  it('are reported with their output when they end at once', async () => {
    await expect(start('echo broken; exit 3', async () => false)).rejects.toThrow(
      /ended with code 3:\nbroken/,
    )
  })
})
