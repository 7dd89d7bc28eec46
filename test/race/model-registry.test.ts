// Races for numbers, names, aliases and stages of the model registry, between two servers on one database.
import { expect, it } from 'vitest'
import { findAliasHistory, findStageHistory } from '../../src/registry/model-registry/audit.store.ts'
import { findModelByName } from '../../src/registry/model-registry/models.store.ts'
import type { ModelVersion, RegisteredModel } from '../../src/registry/model-registry/schema.ts'
import { findVersion } from '../../src/registry/model-registry/versions.store.ts'
import { describeEachEngine } from '../support/engines.ts'
import type { HttpAnswer } from '../support/http.ts'
import { useServers } from './servers.ts'

const MODELS = '/api/2.0/mlflow/registered-models'
const VERSIONS = '/api/2.0/mlflow/model-versions'
const RACERS = 50

const errorOf = (answer: HttpAnswer) => (answer.body as { error_code?: string }).error_code
const versionOf = (answer: HttpAnswer) => (answer.body as { model_version: ModelVersion }).model_version
const numbers = (from: number, to: number) => Array.from({ length: to - from + 1 }, (_, i) => from + i)

describeEachEngine('races in the model registry', (target) => {
  const { appOf } = useServers(target)
  const ask = (index: number, method: string, path: string, body?: unknown) =>
    appOf(index).request(method, path, body)
  const race = (act: (index: number) => Promise<HttpAnswer>) =>
    Promise.all(Array.from({ length: RACERS }, (_, index) => act(index)))
  const create = async (name: string, versions = 0) => {
    expect((await ask(0, 'POST', `${MODELS}/create`, { name })).status).toBe(200)
    for (let made = 0; made < versions; made++) {
      await ask(made, 'POST', `${VERSIONS}/create`, { name, source: 's3://b/m' })
    }
  }
  const get = async (name: string, index = 0): Promise<RegisteredModel | undefined> => {
    const { body } = await ask(index, 'GET', `${MODELS}/get?name=${name}`)
    return (body as { registered_model?: RegisteredModel }).registered_model
  }
  const search = async (name: string): Promise<ModelVersion[]> => {
    const filter = encodeURIComponent(`name = '${name}'`)
    const { body } = await ask(1, 'GET', `${VERSIONS}/search?filter=${filter}&order_by=version_number`)
    return (body as { model_versions?: ModelVersion[] }).model_versions ?? []
  }

  it(`gives ${RACERS} versions that are created at once the numbers from 1, each once, each with its tags`, async () => {
    await create('numbered')
    const answers = await race((index) =>
      ask(index, 'POST', `${VERSIONS}/create`, {
        name: 'numbered',
        source: 's3://b/m',
        tags: [{ key: 'index', value: String(index) }],
      }),
    )
    const given = answers.map((answer) => Number(versionOf(answer).version))
    expect(given.sort((a, b) => a - b)).toEqual(numbers(1, RACERS))
    const found = await search('numbered')
    expect(found.map(({ version }) => Number(version))).toEqual(numbers(1, RACERS))
    const tags = found.flatMap((version) => version.tags?.map(({ value }) => Number(value)) ?? [])
    expect(tags.sort((a, b) => a - b)).toEqual(numbers(0, RACERS - 1))
    expect((await get('numbered'))?.latest_versions?.map(({ version }) => version)).toEqual([String(RACERS)])
  })

  it('gives numbers in turn while versions are deleted', async () => {
    await create('shrinking')
    const answers = await race(async (index) => {
      const made = await ask(index, 'POST', `${VERSIONS}/create`, { name: 'shrinking', source: 's3://b/m' })
      const { version } = versionOf(made)
      if (index % 3 > 0) return made
      return ask(index + 1, 'DELETE', `${VERSIONS}/delete`, { name: 'shrinking', version })
    })
    expect(answers.every(({ status }) => status === 200)).toBe(true)
    expect(await search('shrinking')).toHaveLength(answers.filter((_, index) => index % 3 > 0).length)
    const next = await ask(0, 'POST', `${VERSIONS}/create`, { name: 'shrinking', source: 's3://b/m' })
    expect(versionOf(next).version).toBe(String(RACERS + 1))
  })

  it('creates a model once however many ask for its name', async () => {
    const answers = await race((index) => ask(index, 'POST', `${MODELS}/create`, { name: 'wanted' }))
    expect(answers.filter(({ status }) => status === 200)).toHaveLength(1)
    const refused = answers.filter(({ status }) => status !== 200)
    expect(new Set(refused.map(errorOf))).toEqual(new Set(['RESOURCE_ALREADY_EXISTS']))
  })

  it('lets one of two renames to a name win', async () => {
    for (let round = 0; round < 10; round++) {
      const names = [`left${round}`, `right${round}`] as const
      for (const name of names) await create(name)
      const answers = await Promise.all(
        names.map((name, index) => ask(index, 'POST', `${MODELS}/rename`, { name, new_name: `won${round}` })),
      )
      expect(answers.map(({ status }) => status).sort()).toEqual([200, 400])
      const loser = answers[0]?.status === 200 ? 1 : 0
      expect(errorOf(answers[loser] as HttpAnswer)).toBe('RESOURCE_ALREADY_EXISTS')
      expect(await get(names[loser] as string)).toBeDefined()
      expect(await get(names[1 - loser] as string)).toBeUndefined()
      expect(await get(`won${round}`)).toBeDefined()
    }
  })

  it('deletes a model once, and makes another one of its name, amid the creation of versions', async () => {
    for (let round = 0; round < 5; round++) {
      await create('mortal', 1)
      const [deleted, ...made] = await Promise.all([
        ask(0, 'DELETE', `${MODELS}/delete`, { name: 'mortal' }),
        ...numbers(1, 10).map((index) =>
          ask(index, 'POST', `${VERSIONS}/create`, { name: 'mortal', source: 's3://b/m' }),
        ),
      ])
      expect(deleted?.status).toBe(200)
      for (const answer of made) {
        if (answer.status !== 200) expect(errorOf(answer)).toBe('RESOURCE_DOES_NOT_EXIST')
      }
      expect(await search('mortal')).toEqual([])
      await create('mortal', 1)
      expect((await search('mortal')).map(({ version }) => version)).toEqual(['1'])
      await ask(0, 'DELETE', `${MODELS}/delete`, { name: 'mortal' })
    }
  })

  it('keeps each change of an alias in its history, in the order in which they took effect', async () => {
    await create('aliased', 5)
    const answers = await race((index) =>
      index % 5 === 4
        ? ask(index, 'DELETE', `${MODELS}/alias`, { name: 'aliased', alias: 'best' })
        : ask(index, 'POST', `${MODELS}/alias`, {
            name: 'aliased',
            alias: 'best',
            version: String((index % 5) + 1),
          }),
    )
    expect(answers.every(({ status }) => status === 200)).toBe(true)
    const { engine } = appOf(0)
    const model = await findModelByName(engine, 'aliased')
    const history = await findAliasHistory(engine, model?.modelUid ?? '', 'best')
    // Each change starts where the one before it ended, the last one at what is there now.
    const now = (await get('aliased'))?.aliases?.[0]?.version
    expect(history[0]?.newVersion ?? undefined).toBe(now === undefined ? undefined : Number(now))
    expect(history.at(-1)).toMatchObject({ oldVersion: null, previousEventId: '' })
    for (const [index, event] of history.entries()) {
      if (index > 0) expect(history[index - 1]?.oldVersion).toBe(event.newVersion)
      expect(event.kind).toBe(event.newVersion === null ? 'alias_deleted' : 'alias_set')
    }
    expect(new Set(history.map(({ eventId }) => eventId)).size).toBe(history.length)
  })

  it('leaves no alias to a version that is deleted at the same moment', async () => {
    await create('doomed', 20)
    await Promise.all(
      numbers(1, 20).flatMap((version) => [
        ask(0, 'DELETE', `${VERSIONS}/delete`, { name: 'doomed', version: String(version) }),
        ask(1, 'POST', `${MODELS}/alias`, {
          name: 'doomed',
          alias: `a${version}`,
          version: String(version),
        }),
      ]),
    )
    expect((await get('doomed'))?.aliases).toBeUndefined()
    expect(await search('doomed')).toEqual([])
  })

  it('keeps each change of a stage in its history', async () => {
    await create('staged', 1)
    const stages = ['Staging', 'Production', 'Archived', 'None']
    const answers = await race((index) =>
      ask(index, 'POST', `${VERSIONS}/transition-stage`, {
        name: 'staged',
        version: '1',
        stage: stages[index % stages.length],
      }),
    )
    expect(answers.every(({ status }) => status === 200)).toBe(true)
    const { engine } = appOf(0)
    const model = await findModelByName(engine, 'staged')
    const row = await findVersion(engine, model?.modelUid ?? '', 1)
    const history = await findStageHistory(engine, model?.modelUid ?? '', {
      version: 1,
      eventId: row?.eventId ?? '',
    })
    expect(history).toHaveLength(RACERS)
    expect(history[0]?.newStage).toBe(row?.currentStage)
    expect(history.at(-1)?.oldStage).toBe('None')
    for (const [index, event] of history.entries()) {
      if (index > 0) expect(history[index - 1]?.oldStage).toBe(event.newStage)
    }
  })

  it('leaves the one that came last in a stage, however many enter it at once and archive the others', async () => {
    for (let round = 0; round < 5; round++) {
      const name = `promoted-${round}`
      await create(name, 8)
      const answers = await Promise.all(
        numbers(1, 8).map((version) =>
          ask(version, 'POST', `${VERSIONS}/transition-stage`, {
            name,
            version: String(version),
            stage: 'Production',
            archive_existing_versions: true,
          }),
        ),
      )
      expect(answers.map(({ status }) => status)).toEqual(answers.map(() => 200))
      const stages = (await search(name)).map(({ current_stage }) => current_stage)
      expect(stages.filter((stage) => stage === 'Production')).toHaveLength(1)
      expect(stages.filter((stage) => stage === 'Archived')).toHaveLength(7)
    }
  })

  it('tells a logged model of all versions that are made of it at once', async () => {
    await create('linked')
    const logged = await ask(0, 'POST', '/api/2.0/mlflow/logged-models', { experiment_id: '0', name: 'm' })
    const id = (logged.body as { model: { info: { model_id: string } } }).model.info.model_id
    const source = `models:/${id}`
    await race((index) => ask(index, 'POST', `${VERSIONS}/create`, { name: 'linked', source, model_id: id }))
    const { body } = await ask(0, 'GET', `/api/2.0/mlflow/logged-models/${id}`)
    const [tag] = (body as { model: { info: { tags: { key: string; value: string }[] } } }).model.info.tags
    const links: { name: string; version: number }[] = JSON.parse(tag?.value ?? '[]')
    expect(links.map(({ version }) => version).sort((a, b) => a - b)).toEqual(numbers(1, RACERS))
  })
})
