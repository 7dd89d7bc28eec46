// Model versions: what they are made of, where their files lie, searches over many.
import { mkdir, symlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { beforeAll, describe, expect, it } from 'vitest'
import type { Connection } from '../../../../src/platform/database/engine.ts'
import { migrate } from '../../../../src/platform/database/migrate.ts'
import { openEngine } from '../../../../src/platform/database/open-engine.ts'
import { parseBackendUri } from '../../../../src/platform/database/uri.ts'
import { startApp, type TestApp } from '../../../support/app.ts'
import { describeEachEngine } from '../../../support/engines.ts'
import { API, useRegistryApp } from './registry-app.ts'

type Run = { run: { info: { run_id: string; artifact_uri: string } } }

describeEachEngine('model versions', (target) => {
  const registry = useRegistryApp(target)
  const createRun = async (experimentId = '0') =>
    (await registry.ok<Run>('POST', 'runs/create', { experiment_id: experimentId })).run.info

  it('serves the files of a version, wherever its source leads', async () => {
    const run = await createRun()
    const files = `/api/2.0/mlflow-artifacts/artifacts/${run.artifact_uri.replace('mlflow-artifacts:/', '')}/m`
    await registry.app.request('PUT', `${files}/MLmodel`, { raw: 'flavors: {}' })
    await registry.createModel('served')
    await registry.createVersion('served', { source: `${run.artifact_uri}/m`, run_id: run.run_id })
    await registry.createVersion('served', { source: `runs:/${run.run_id}/m`, run_id: run.run_id })
    await registry.createVersion('served', { source: 'models:/served/1' })
    for (const version of [1, 2, 3]) {
      const path = `/model-versions/get-artifact?name=served&version=${version}&path=MLmodel`
      const answer = await registry.app.request('GET', path)
      expect([answer.status, answer.body]).toEqual([200, 'flavors: {}'])
    }
    const get = (query: string) => registry.error('GET', `/model-versions/get-artifact?${query}`)
    expect(await get('name=served&version=1&path=none')).toMatchObject({ status: 404 })
    expect(await get('name=served&version=1&path=../x')).toMatchObject({ status: 400 })
    expect(await get('name=served&version=1')).toMatchObject({ status: 400 })
    expect(await get('name=served&version=9&path=MLmodel')).toMatchObject({
      status: 404,
      text: 'Model Version (name=served, version=9) not found',
    })
    expect(await get('name=served&path=MLmodel')).toMatchObject({ status: 400 })
  })

  it('takes a local source within the folder of its run, and none that a link leads out of', async () => {
    const folder = join(registry.app.artifactFolder, 'local')
    const { experiment_id: experimentId } = await registry.ok<{ experiment_id: string }>(
      'POST',
      'experiments/create',
      { name: 'local', artifact_location: `file://${folder}` },
    )
    const run = await createRun(experimentId)
    const files = run.artifact_uri.replace('file://', '')
    await mkdir(files, { recursive: true })
    await writeFile(join(registry.app.artifactFolder, 'secret'), 'x')
    await symlink(registry.app.artifactFolder, join(files, 'out'))
    await registry.createModel('local')
    await registry.createVersion('local', { source: `file://${files}/m`, run_id: run.run_id })
    await registry.createVersion('local', { source: `${files}/m`, run_id: run.run_id })
    for (const path of ['out', 'out/secret', '../x', 'a/../../x', '%2e%2e/x']) {
      const body = { name: 'local', source: `file://${files}/${path}`, run_id: run.run_id }
      expect(await registry.error('POST', 'model-versions/create', body)).toMatchObject({ status: 400 })
    }
    const body = { name: 'local', source: '/etc/passwd', run_id: run.run_id }
    expect(await registry.error('POST', 'model-versions/create', body)).toMatchObject({
      status: 400,
      text: expect.stringMatching(/^Invalid model version source: '\/etc\/passwd'\. To use a local path/),
    })
  })

  it('makes no version when the source is refused', async () => {
    await registry.createModel('untouched')
    for (const source of ['/etc/passwd', 's3://b/../c', 'models:/m-none', 'http://evil/x', 'runs:/none/m']) {
      const body = { name: 'untouched', source, model_id: source === 'models:/m-none' ? 'm-none' : undefined }
      expect((await registry.error('POST', 'model-versions/create', body)).status).toBeGreaterThanOrEqual(400)
    }
    expect((await registry.createVersion('untouched')).version).toBe('1')
  })

  describe('over a connection that is watched', () => {
    let statements = 0
    let refused: RegExp | undefined
    let app: TestApp
    const ask = (method: string, path: string, body?: unknown) => app.request(method, `${API}/${path}`, body)

    beforeAll(async () => {
      const engine = await openEngine(parseBackendUri(await target.another()), {
        maxConnections: 5,
        intercept: (connection: Connection) => ({
          query: async (text, params, rowMode) => {
            statements++
            if (refused?.test(text)) throw new Error('The server was killed')
            return connection.query(text, params, rowMode)
          },
          close: () => connection.close(),
        }),
      })
      await migrate(engine, { shards: 1, replicas: '0', views: false })
      app = await startApp(target, { engine })
      return async () => {
        await app.close()
        await engine.close()
      }
    })

    it('finds the next number when servers died before they noted the last ones', async () => {
      await ask('POST', 'registered-models/create', { name: 'noted' })
      const create = () => ask('POST', 'model-versions/create', { name: 'noted', source: 's3://b/m' })
      refused = /"last_version" = CASE/
      // More than one look-up shows.
      for (let made = 0; made < 70; made++) expect((await create()).status).toBe(500)
      refused = undefined
      expect((await create()).body).toMatchObject({ model_version: { version: '71' } })
      expect((await create()).body).toMatchObject({ model_version: { version: '72' } })
    })

    it('asks the database as often for a page of many as for a page of few', async () => {
      for (let index = 0; index < 12; index++) {
        const tags = [{ key: 'k', value: String(index % 2) }]
        await ask('POST', 'registered-models/create', { name: `counted${index}`, tags })
        await ask('POST', 'model-versions/create', { name: `counted${index}`, source: 's3://b/m', tags })
      }
      const count = async (path: string) => {
        statements = 0
        expect((await ask('GET', path)).status).toBe(200)
        return statements
      }
      const filter = encodeURIComponent("tags.k = '1'")
      for (const what of ['registered-models', 'model-versions']) {
        const few = await count(`${what}/search?filter=${filter}&max_results=1`)
        expect(await count(`${what}/search?filter=${filter}&max_results=12`)).toBe(few)
        expect(few).toBeLessThanOrEqual(8)
      }
    })
  })
})
