// Archives and copies: what was in one store is in the other, whichever engines they are of.
import { createHash } from 'node:crypto'
import { existsSync } from 'node:fs'
import { appendFile, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { runClient } from '../python/client.ts'
import { engineTarget } from '../support/engines.ts'
import { startServer } from '../support/server.ts'
import { missing } from '../support/services.ts'
import { killMove, runMove } from './import.ts'
import { comparable, genaiAnswers, registryAnswers, trackingAnswers } from './same-answers.ts'
import { SEED, SEED_GENAI } from './stock-source.ts'

const TIMEOUT_MS = 600_000
const reason = missing('python') || missing('cratedb')

describe.skipIf(reason)('archives and copies', () => {
  const embedded = engineTarget('PGlite')
  const cratedb = engineTarget('CrateDB')
  let folder: string
  let artifacts: string
  let answers: unknown

  /** All that a server on the store answers. */
  async function answersOf(uri: string, place = artifacts): Promise<unknown> {
    const server = await startServer({ backendStoreUri: uri, args: ['--artifacts-destination', place] })
    try {
      const { request } = server
      return comparable([
        await trackingAnswers(request),
        await registryAnswers(request),
        await genaiAnswers(request),
      ])
    } finally {
      await server.stop()
    }
  }

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'crateflow-archives-'))
    artifacts = join(folder, 'artifacts')
    const server = await startServer({
      backendStoreUri: embedded.uri,
      args: ['--artifacts-destination', artifacts],
      env: { MLFLOW_WEBHOOK_ALLOW_PRIVATE_IPS: 'true' },
    })
    for (const program of [SEED, SEED_GENAI])
      await runClient(server.url, [program], { GIT_PYTHON_REFRESH: 'quiet' })
    await server.stop()
    answers = await answersOf(embedded.uri)
  }, TIMEOUT_MS)
  afterAll(() => rm(folder, { recursive: true, force: true }))

  it(
    'copies an embedded store into CrateDB and back, with what it killed in between',
    async () => {
      const copy = ['copy', '--from', embedded.uri, '--to', cratedb.uri]
      await killMove(copy, 4_000)
      const there = await runMove(copy)
      expect(there, there.stdout + there.stderr).toMatchObject({ code: 0 })
      expect(await answersOf(cratedb.uri)).toEqual(answers)
      const to = await embedded.another()
      const back = await runMove(['copy', '--from', cratedb.uri, '--to', to])
      expect(back, back.stdout + back.stderr).toMatchObject({ code: 0 })
      expect(await answersOf(to)).toEqual(answers)
      expect((await runMove(['copy', '--from', cratedb.uri, '--to', to])).stdout).toContain('0 rows written')
    },
    TIMEOUT_MS,
  )

  it(
    'exports into a folder or a file, and imports both',
    async () => {
      const [plain, packed] = [join(folder, 'archive'), join(folder, 'archive.tar.gz')]
      const from = [
        '--backend-store-uri',
        embedded.uri,
        '--artifacts-destination',
        artifacts,
        '--artifacts',
        'copy',
      ]
      for (const place of [plain, packed]) {
        const exported = await runMove(['export', place, ...from])
        expect(exported, exported.stdout + exported.stderr).toMatchObject({ code: 0 })
        const [to, there] = [await embedded.another(), `${place}-artifacts`]
        const args = ['import', 'archive', place, '--to', to, '--artifacts-destination', there]
        const imported = await runMove(args)
        expect(imported, imported.stdout + imported.stderr).toMatchObject({ code: 0 })
        expect(imported.stdout).toContain(`From archive ${place} of pglite:`)
        expect(await answersOf(to, there)).toEqual(answers)
        expect((await runMove(args)).stdout).toContain('0 rows written')
      }
      const other = await cratedb.another()
      const kept = await runMove(['import', 'archive', plain, '--to', other, '--artifacts', 'keep'])
      expect(kept, kept.stdout + kept.stderr).toMatchObject({ code: 0 })
      expect(kept.stdout).toContain('Note: the files of the archive were left out')
      expect(await answersOf(other)).toEqual(answers)
      const again = await runMove(['export', plain, ...from])
      expect(again.stderr).toContain('is not empty')
      const zip = await runMove(['export', join(folder, 'archive.zip'), ...from])
      expect(zip).toMatchObject({ code: 2 })
      expect(zip.stderr).toContain('a file whose name ends in .tar.gz')
      expect(existsSync(join(folder, 'archive.zip'))).toBe(false)
    },
    TIMEOUT_MS,
  )

  it(
    'refuses an archive that is damaged, unfinished or newer',
    async () => {
      const place = join(folder, 'damaged')
      expect(await runMove(['export', place, '--backend-store-uri', embedded.uri])).toMatchObject({ code: 0 })
      const take = async () =>
        (await runMove(['import', 'archive', place, '--to', `pglite:${folder}/none`])).stderr
      const manifest = join(place, 'manifest.json')
      const text = await readFile(manifest, 'utf8')
      await writeFile(manifest, text.replace('"version": 1', '"version": 2'))
      expect(await take()).toContain('The archive has version 2; this program reads 1')
      await writeFile(manifest, text.replace('tables/runs.jsonl', '../runs.jsonl'))
      expect(await take()).toContain('manifest.json names ../runs.jsonl')
      await writeFile(manifest, text)
      const tags = join(place, 'tables/tags.jsonl')
      const before = await readFile(tags, 'utf8')
      await appendFile(tags, '{}\n')
      expect(await take()).toContain('is not what its checksum says')
      await rm(manifest)
      expect(await take()).toContain('is no archive, or one that was not finished')
      expect(existsSync(join(folder, 'none'))).toBe(false)
      // Broken before its checksum was made.
      const sha256 = (of: string) => createHash('sha256').update(of).digest('hex')
      const [first, second, ...others] = before.split('\n')
      const broken = [first, second?.replace('{', '['), ...others].join('\n')
      await writeFile(tags, broken)
      await writeFile(manifest, text.replace(sha256(before), sha256(broken)))
      expect(await take()).toContain(`${tags}:2: the line is no JSON`)
    },
    TIMEOUT_MS,
  )

  it(
    'copies the latest metrics of a store whose server was killed',
    async () => {
      const [from, to] = [await embedded.another(), await embedded.another()]
      const server = await startServer({ backendStoreUri: from })
      const { body } = await server.request('POST', '/api/2.0/mlflow/runs/create', { experiment_id: '0' })
      const { run_id } = (body as { run: { info: { run_id: string } } }).run.info
      const metrics = Array.from({ length: 500 }, (_, step) => ({
        key: 'loss',
        value: step,
        timestamp: 1,
        step,
      }))
      await server.request('POST', '/api/2.0/mlflow/runs/log-batch', { run_id, metrics })
      await server.kill()
      expect(await runMove(['copy', '--from', from, '--to', to])).toMatchObject({ code: 0 })
      const other = await startServer({ backendStoreUri: to })
      try {
        const answer = await other.request('GET', `/api/2.0/mlflow/runs/get?run_id=${run_id}`)
        expect(JSON.stringify(answer.body)).toContain('"value":499')
      } finally {
        await other.stop()
      }
    },
    TIMEOUT_MS,
  )

  it('says so when a server has the store open, or there is none', async () => {
    const server = await startServer({ backendStoreUri: embedded.uri })
    try {
      const { code, stderr } = await runMove(['copy', '--from', embedded.uri, '--to', cratedb.uri])
      expect(code).not.toBe(0)
      expect(stderr).toContain('is in use by process')
      const none = await runMove([
        'copy',
        '--from',
        `pglite:${folder}/no-store`,
        '--to',
        `pglite:${folder}/no-copy`,
      ])
      expect(none.stderr).toContain('There is no store in')
      expect(existsSync(join(folder, 'no-copy'))).toBe(false)
    } finally {
      await server.stop()
    }
  })
})
