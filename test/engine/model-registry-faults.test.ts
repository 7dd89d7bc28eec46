// Kills the server between any two statements of its writes of the model registry.
import { expect } from 'vitest'
import type { ModelVersion, RegisteredModel } from '../../src/registry/model-registry/schema.ts'
import { type Answer, API, type Ask, describeKilledServer, type Scenario } from './killed-server.ts'

const code = (answer: Answer) => (answer.body as { error_code?: string }).error_code
const MODELS = `${API}/registered-models`
const VERSIONS = `${API}/model-versions`

const getModel = (ask: Ask, name: string) => ask('GET', `${MODELS}/get?name=${name}`)
const modelOf = (answer: Answer) => (answer.body as { registered_model: RegisteredModel }).registered_model
const versionOf = (answer: Answer) => (answer.body as { model_version: ModelVersion }).model_version

async function createModel(ask: Ask, name: string, versions = 0): Promise<void> {
  expect((await ask('POST', `${MODELS}/create`, { name })).status).toBe(200)
  for (let made = 0; made < versions; made++) await createVersion(ask, name)
}

async function createVersion(ask: Ask, name: string, body: object = {}): Promise<ModelVersion> {
  const answer = await ask('POST', `${VERSIONS}/create`, { name, source: 's3://b/m', ...body })
  expect(answer.status).toBe(200)
  return versionOf(answer)
}

/** Versions that a search finds, with their stages, by number. */
async function found(ask: Ask, name: string): Promise<[string, string][]> {
  const filter = encodeURIComponent(`name = '${name}'`)
  const { body } = await ask('GET', `${VERSIONS}/search?filter=${filter}&order_by=version_number`)
  const versions = (body as { model_versions?: ModelVersion[] }).model_versions ?? []
  return versions.map(({ version, current_stage }) => [version, current_stage])
}

const tags = [
  { key: 'a', value: '1' },
  { key: 'b', value: '2' },
]

const scenarios: Record<string, Scenario> = {
  'create registered model': {
    prepare: async () => ({}),
    act: (ask, _state, mark) => ask('POST', `${MODELS}/create`, { name: mark, tags }),
    remains: async (ask, _state, mark) => {
      const model = await getModel(ask, mark)
      if (model.status === 200) expect(modelOf(model).tags).toEqual(tags)
      else expect(code(model)).toBe('RESOURCE_DOES_NOT_EXIST')
    },
    completed: async (ask, _state, mark, retry) => {
      if (retry.status !== 200) expect(code(retry)).toBe('RESOURCE_ALREADY_EXISTS')
      expect(modelOf(await getModel(ask, mark)).tags).toEqual(tags)
    },
  },
  'rename registered model': {
    prepare: async (ask, mark) => {
      await createModel(ask, mark, 2)
      return {}
    },
    act: (ask, _state, mark) => ask('POST', `${MODELS}/rename`, { name: mark, new_name: `${mark}-new` }),
    remains: async (ask, _state, mark) => {
      const answers = await Promise.all([getModel(ask, mark), getModel(ask, `${mark}-new`)])
      expect(answers.map(({ status }) => status).sort()).toEqual([200, 404])
      const name = answers[0].status === 200 ? mark : `${mark}-new`
      expect(await found(ask, name)).toHaveLength(2)
    },
    completed: async (ask, _state, mark, retry) => {
      if (retry.status !== 200) expect(code(retry)).toBe('RESOURCE_DOES_NOT_EXIST')
      expect(await found(ask, `${mark}-new`)).toHaveLength(2)
      // The old name is free again.
      await createModel(ask, mark)
    },
  },
  'delete registered model': {
    prepare: async (ask, mark) => {
      await createModel(ask, mark, 2)
      return {}
    },
    act: (ask, _state, mark) => ask('DELETE', `${MODELS}/delete`, { name: mark }),
    remains: async (ask, _state, mark) => {
      const model = await getModel(ask, mark)
      // All of it is there, or nothing.
      expect(await found(ask, mark)).toHaveLength(model.status === 200 ? 2 : 0)
    },
    completed: async (ask, _state, mark, retry) => {
      if (retry.status !== 200) expect(code(retry)).toBe('RESOURCE_DOES_NOT_EXIST')
      expect((await getModel(ask, mark)).status).toBe(404)
      await createModel(ask, mark)
      expect((await createVersion(ask, mark)).version).toBe('1')
    },
  },
  'create model version': {
    prepare: async (ask, mark) => {
      await createModel(ask, mark, 1)
      return {}
    },
    act: (ask, _state, mark) => ask('POST', `${VERSIONS}/create`, { name: mark, source: 's3://b/m', tags }),
    remains: async (ask, _state, mark) => {
      const versions = await found(ask, mark)
      expect([1, 2]).toContain(versions.length)
      const second = await ask('GET', `${VERSIONS}/get?name=${mark}&version=2`)
      if (versions.length === 2) expect(versionOf(second).tags).toEqual(tags)
      else expect(second.status).toBe(404)
    },
    completed: async (ask, _state, mark, retry) => {
      expect(retry.status).toBe(200)
      // No number is left out, whether or not the first attempt got one.
      const numbers = (await found(ask, mark)).map(([version]) => version)
      expect(numbers).toEqual(['1', '2', '3'].slice(0, numbers.length))
      expect(versionOf(retry).version).toBe(numbers.at(-1))
      expect(versionOf(retry).tags).toEqual(tags)
    },
  },
  'create a version of a logged model': {
    prepare: async (ask, mark) => {
      await createModel(ask, mark)
      const answer = await ask('POST', `${API}/logged-models`, { experiment_id: '0', name: 'm' })
      return { model: (answer.body as { model: { info: { model_id: string } } }).model.info.model_id }
    },
    act: (ask, { model }, mark) =>
      ask('POST', `${VERSIONS}/create`, { name: mark, source: `models:/${model}`, model_id: model }),
    remains: async (ask, _state, mark) => {
      expect((await found(ask, mark)).length).toBeLessThanOrEqual(1)
    },
    completed: async (ask, { model }, mark, retry) => {
      expect(retry.status).toBe(200)
      const { body } = await ask('GET', `${API}/logged-models/${model}`)
      const [tag] = (body as { model: { info: { tags: { value: string }[] } } }).model.info.tags
      expect(JSON.parse(tag?.value ?? '')).toContainEqual({
        name: mark,
        version: Number(versionOf(retry).version),
      })
    },
  },
  'move an alias': {
    prepare: async (ask, mark) => {
      await createModel(ask, mark, 2)
      expect((await ask('POST', `${MODELS}/alias`, { name: mark, alias: 'best', version: '1' })).status).toBe(
        200,
      )
      return {}
    },
    act: (ask, _state, mark) => ask('POST', `${MODELS}/alias`, { name: mark, alias: 'best', version: '2' }),
    remains: async (ask, _state, mark) => {
      const answer = await ask('GET', `${MODELS}/alias?name=${mark}&alias=best`)
      expect(['1', '2']).toContain(versionOf(answer).version)
      expect(modelOf(await getModel(ask, mark)).aliases).toEqual([
        { alias: 'best', version: versionOf(answer).version },
      ])
    },
    completed: async (ask, _state, mark, retry) => {
      expect(retry.status).toBe(200)
      const answer = await ask('GET', `${MODELS}/alias?name=${mark}&alias=best`)
      expect(versionOf(answer)).toMatchObject({ version: '2', aliases: ['best'] })
    },
  },
  'move to a stage and archive the others': {
    prepare: async (ask, mark) => {
      await createModel(ask, mark, 3)
      for (const version of ['1', '2']) {
        const body = { name: mark, version, stage: 'Production' }
        expect((await ask('POST', `${VERSIONS}/transition-stage`, body)).status).toBe(200)
      }
      return {}
    },
    act: (ask, _state, mark) =>
      ask('POST', `${VERSIONS}/transition-stage`, {
        name: mark,
        version: '3',
        stage: 'Production',
        archive_existing_versions: true,
      }),
    remains: async (ask, _state, mark) => {
      // Some version is in production all the time.
      expect((await found(ask, mark)).some(([, stage]) => stage === 'Production')).toBe(true)
    },
    completed: async (ask, _state, mark, retry) => {
      expect(retry.status).toBe(200)
      expect(await found(ask, mark)).toEqual([
        ['1', 'Archived'],
        ['2', 'Archived'],
        ['3', 'Production'],
      ])
    },
  },
  'delete a version that has an alias': {
    prepare: async (ask, mark) => {
      await createModel(ask, mark, 2)
      await ask('POST', `${MODELS}/alias`, { name: mark, alias: 'best', version: '2' })
      return {}
    },
    act: (ask, _state, mark) => ask('DELETE', `${VERSIONS}/delete`, { name: mark, version: '2' }),
    remains: async (ask, _state, mark) => {
      const isThere = (await ask('GET', `${VERSIONS}/get?name=${mark}&version=2`)).status === 200
      expect(await found(ask, mark)).toHaveLength(isThere ? 2 : 1)
      if (!isThere) expect(modelOf(await getModel(ask, mark)).aliases).toBeUndefined()
    },
    completed: async (ask, _state, mark, retry) => {
      if (retry.status !== 200) expect(code(retry)).toBe('RESOURCE_DOES_NOT_EXIST')
      expect(modelOf(await getModel(ask, mark)).aliases).toBeUndefined()
      expect((await createVersion(ask, mark)).version).toBe('3')
    },
  },
  'make a prompt of a model': {
    prepare: async (ask, mark) => {
      await createModel(ask, mark)
      return {}
    },
    act: (ask, _state, mark) =>
      ask('POST', `${MODELS}/set-tag`, { name: mark, key: 'mlflow.prompt.is_prompt', value: 'true' }),
    remains: async (ask, _state, mark) => {
      expect((await getModel(ask, mark)).status).toBe(200)
    },
    completed: async (ask, _state, mark, retry) => {
      expect(retry.status).toBe(200)
      const filter = encodeURIComponent(`name = '${mark}'`)
      expect((await ask('GET', `${MODELS}/search?filter=${filter}`)).body).toEqual({})
    },
  },
}

describeKilledServer('a registry whose server is killed between any two statements', scenarios)
