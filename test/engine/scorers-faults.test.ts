// Kills the server between any two statements of its writes of scorers and label schemas.
import { expect } from 'vitest'
import type { LabelSchema } from '../../src/genai/label-schemas/schema.ts'
import type { OnlineScoringConfig, RegisteredScorer, Scorer } from '../../src/genai/scorers/schema.ts'
import { type Answer, type Ask, describeKilledServer, type Scenario } from './killed-server.ts'

const SCORERS = '/api/3.0/mlflow/scorers'
const SCHEMAS = '/api/3.0/mlflow/label-schemas'

const code = (answer: Answer) => (answer.body as { error_code?: string }).error_code
const named = (mark: string) => `experiment_id=0&name=${encodeURIComponent(mark)}`
const register = (ask: Ask, name: string) =>
  ask('POST', `${SCORERS}/register`, { experiment_id: '0', name, serialized_scorer: '{"name":"x"}' })

async function registered(ask: Ask, name: string): Promise<string> {
  const answer = await register(ask, name)
  expect(answer.status).toBe(200)
  return (answer.body as RegisteredScorer).scorer_id
}

const versionsOf = async (ask: Ask, name: string): Promise<number[]> => {
  const { body } = await ask('GET', `${SCORERS}/versions?${named(name)}`)
  return ((body as { scorers?: Scorer[] }).scorers ?? []).map((one) => one.scorer_version)
}
const configsOf = async (ask: Ask, scorerId: string): Promise<OnlineScoringConfig[]> => {
  const { body } = await ask('GET', `${SCORERS}/online-configs?scorer_ids=${scorerId}`)
  return (body as { configs: OnlineScoringConfig[] }).configs
}
const configure = (ask: Ask, name: string, filter_string: string) =>
  ask('PUT', `${SCORERS}/online-config`, { experiment_id: '0', name, sample_rate: 0, filter_string })

const question = (ask: Ask, name: string, experiment_id = '0') =>
  ask('POST', `${SCHEMAS}/create`, { experiment_id, name, type: 'FEEDBACK', input: { text: {} } })
const schemaOf = (answer: Answer) => (answer.body as { label_schema: LabelSchema }).label_schema
const find = (ask: Ask, name: string) => ask('GET', `${SCHEMAS}/get-by-name?${named(name)}`)

async function asked(ask: Ask, name: string): Promise<{ id: string }> {
  const answer = await question(ask, name)
  expect(answer.status).toBe(200)
  return { id: schemaOf(answer).schema_id }
}

const scenarios: Record<string, Scenario> = {
  'register the first version of a scorer': {
    prepare: async (ask, mark) => {
      // Has the experiment remembered, so that each attempt makes as many statements.
      expect(await versionsOf(ask, mark)).toEqual([])
      return {}
    },
    act: (ask, _state, mark) => register(ask, mark),
    remains: async (ask, _state, mark) => expect([[], [1]]).toContainEqual(await versionsOf(ask, mark)),
    completed: async (ask, _state, mark, retry) => {
      expect(retry.status).toBe(200)
      const versions = await versionsOf(ask, mark)
      expect(versions).toEqual([1, 2].slice(0, versions.length))
      expect((retry.body as RegisteredScorer).version).toBe(versions.at(-1))
    },
  },
  'delete a scorer': {
    prepare: async (ask, mark) => {
      const id = await registered(ask, mark)
      await register(ask, mark)
      await configure(ask, mark, "name = 'a'")
      return { id }
    },
    act: (ask, _state, mark) => ask('DELETE', `${SCORERS}/delete`, { experiment_id: '0', name: mark }),
    remains: async (ask, { id = '' }, mark) => {
      // All of it is there, or nothing.
      const versions = await versionsOf(ask, mark)
      expect([[], [1, 2]]).toContainEqual(versions)
      expect(await configsOf(ask, id)).toHaveLength(versions.length / 2)
    },
    completed: async (ask, { id }, mark, retry) => {
      if (retry.status !== 200) expect(code(retry)).toBe('RESOURCE_DOES_NOT_EXIST')
      expect(await versionsOf(ask, mark)).toEqual([])
      expect(await registered(ask, mark)).not.toBe(id)
      expect(await versionsOf(ask, mark)).toEqual([1])
    },
  },
  'configure a scorer': {
    prepare: async (ask, mark) => {
      const id = await registered(ask, mark)
      await configure(ask, mark, "name = 'a'")
      return { id }
    },
    act: (ask, _state, mark) => configure(ask, mark, "name = 'b'"),
    remains: async (ask, { id = '' }) => {
      const filters = (await configsOf(ask, id)).map((config) => config.filter_string)
      expect([["name = 'a'"], ["name = 'b'"]]).toContainEqual(filters)
    },
    completed: async (ask, { id = '' }, _mark, retry) => {
      expect(await configsOf(ask, id)).toEqual([(retry.body as { config: OnlineScoringConfig }).config])
    },
  },
  'create a label schema': {
    prepare: async () => ({}),
    act: (ask, _state, mark) => question(ask, mark),
    remains: async (ask, _state, mark) => expect([200, 404]).toContain((await find(ask, mark)).status),
    completed: async (ask, _state, mark, retry) => {
      if (retry.status !== 200) expect(code(retry)).toBe('RESOURCE_ALREADY_EXISTS')
      expect((await find(ask, mark)).status).toBe(200)
    },
  },
  'rename a label schema': {
    prepare: asked,
    act: (ask, { id }, mark) =>
      ask('PATCH', `${SCHEMAS}/update`, { schema_id: id, name: `${mark} new`, instruction: 'new' }),
    remains: async (ask, { id }, mark) => {
      const answers = [await find(ask, mark), await find(ask, `${mark} new`)]
      expect(answers.map(({ status }) => status).sort()).toEqual([200, 404])
      const { name, instruction } = schemaOf(await ask('GET', `${SCHEMAS}/get?schema_id=${id}`))
      expect(instruction).toBe(name === mark ? undefined : 'new')
    },
    completed: async (ask, _state, mark, retry) => {
      expect(schemaOf(retry)).toMatchObject({ name: `${mark} new`, instruction: 'new' })
      expect((await find(ask, `${mark} new`)).status).toBe(200)
      // The old name is free again.
      await asked(ask, mark)
    },
  },
  'delete a label schema': {
    prepare: asked,
    act: (ask, { id }) => ask('DELETE', `${SCHEMAS}/delete`, { schema_id: id }),
    remains: async (ask, { id }, mark) => {
      const { status } = await ask('GET', `${SCHEMAS}/get?schema_id=${id}`)
      expect((await find(ask, mark)).status).toBe(status)
    },
    completed: async (ask, _state, mark, retry) => {
      expect(retry.status).toBe(200)
      expect((await find(ask, mark)).status).toBe(404)
      await asked(ask, mark)
    },
  },
}

describeKilledServer(
  'scorers and label schemas of a server that is killed between any two statements',
  scenarios,
)
