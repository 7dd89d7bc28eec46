// Races for versions of scorers and for names of label schemas, between two servers on one database.
import { expect, it } from 'vitest'
import type { LabelSchema } from '../../src/genai/label-schemas/schema.ts'
import type { RegisteredScorer, Scorer } from '../../src/genai/scorers/schema.ts'
import { describeEachEngine } from '../support/engines.ts'
import type { HttpAnswer } from '../support/http.ts'
import { useServers } from './servers.ts'

const SCORERS = '/api/3.0/mlflow/scorers'
const SCHEMAS = '/api/3.0/mlflow/label-schemas'
const RACERS = 30
const SCORER = JSON.stringify({ name: 'polite' })

const errorOf = (answer: HttpAnswer) => (answer.body as { error_code?: string }).error_code
const numbers = (to: number) => Array.from({ length: to }, (_, index) => index + 1)
const registeredIn = (answers: HttpAnswer[]) => answers.map(({ body }) => body as RegisteredScorer)

describeEachEngine('races for scorers and label schemas', (target) => {
  const { appOf } = useServers(target)
  const ask = (index: number, method: string, path: string, body?: unknown) =>
    appOf(index).request(method, path, body)
  const race = (act: (index: number) => Promise<HttpAnswer>) =>
    Promise.all(Array.from({ length: RACERS }, (_, index) => act(index)))
  const register = (index: number, name: string) =>
    ask(index, 'POST', `${SCORERS}/register`, { experiment_id: '0', name, serialized_scorer: SCORER })
  const versionsOf = async (name: string): Promise<Scorer[]> => {
    const { body } = await ask(1, 'GET', `${SCORERS}/versions?experiment_id=0&name=${name}`)
    return (body as { scorers?: Scorer[] }).scorers ?? []
  }
  const question = (index: number, name: string) =>
    ask(index, 'POST', `${SCHEMAS}/create`, {
      experiment_id: '0',
      name,
      type: 'FEEDBACK',
      input: { text: {} },
    })
  const list = async (index: number): Promise<LabelSchema[]> => {
    const { body } = await ask(index, 'GET', `${SCHEMAS}/list?experiment_id=0&max_results=1000`)
    return (body as { label_schemas: LabelSchema[] }).label_schemas
  }

  it(`gives ${RACERS} versions that are registered at once the numbers from 1, under one id`, async () => {
    const made = registeredIn(await race((index) => register(index, 'numbered')))
    expect(made.map(({ version }) => version).sort((a, b) => a - b)).toEqual(numbers(RACERS))
    expect(new Set(made.map((one) => one.scorer_id)).size).toBe(1)
    expect((await versionsOf('numbered')).map((one) => one.scorer_version)).toEqual(numbers(RACERS))
  })

  it('shows exactly the versions that were registered for the scorer which is there after deletions', async () => {
    for (let round = 0; round < 5; round++) {
      await register(0, 'mortal')
      const answers = await race((index) =>
        index % 10 === 5
          ? ask(index, 'DELETE', `${SCORERS}/delete`, { experiment_id: '0', name: 'mortal' })
          : register(index, 'mortal'),
      )
      for (const answer of answers) {
        if (answer.status !== 200) expect(errorOf(answer)).toBe('RESOURCE_DOES_NOT_EXIST')
      }
      await register(0, 'mortal')
      const found = await versionsOf('mortal')
      expect(new Set(found.map((one) => one.scorer_id)).size).toBe(1)
      const registered = registeredIn(answers).filter((one) => one.scorer_id === found[0]?.scorer_id)
      expect(found.length).toBe(registered.length + 1)
      expect(found.map((one) => one.scorer_version)).toEqual(numbers(found.length))
      await ask(0, 'DELETE', `${SCORERS}/delete`, { experiment_id: '0', name: 'mortal' })
      expect(await versionsOf('mortal')).toEqual([])
    }
  })

  it('keeps one online configuration however many are set at once', async () => {
    const [made] = registeredIn([await register(0, 'configured')])
    const answers = await race((index) =>
      ask(index, 'PUT', `${SCORERS}/online-config`, {
        experiment_id: '0',
        name: 'configured',
        sample_rate: 0,
        filter_string: `name = '${index}'`,
      }),
    )
    expect(answers.every(({ status }) => status === 200)).toBe(true)
    const { body } = await ask(1, 'GET', `${SCORERS}/online-configs?scorer_ids=${made?.scorer_id}`)
    const { configs } = body as { configs: unknown[] }
    expect(configs).toHaveLength(1)
    expect(answers.map((answer) => (answer.body as { config: unknown }).config)).toContainEqual(configs[0])
  })

  it('creates a label schema once however many ask for its name', async () => {
    const answers = await race((index) => question(index, 'wanted'))
    expect(answers.filter(({ status }) => status === 200)).toHaveLength(1)
    const refused = answers.filter(({ status }) => status !== 200)
    expect(new Set(refused.map(errorOf))).toEqual(new Set(['RESOURCE_ALREADY_EXISTS']))
    expect((await list(1)).filter(({ name }) => name === 'wanted')).toHaveLength(1)
  })

  it('makes one default question however many list at once', async () => {
    const { body } = await ask(0, 'POST', '/api/2.0/mlflow/experiments/create', { name: 'reviewed' })
    const { experiment_id } = body as { experiment_id: string }
    const answers = await race((index) => ask(index, 'GET', `${SCHEMAS}/list?experiment_id=${experiment_id}`))
    for (const answer of answers) {
      const found = (answer.body as { label_schemas: LabelSchema[] }).label_schemas
      expect(found.map(({ name }) => name)).toEqual(['Feedback'])
    }
  })

  it('lets one of two renames to a name win, whole', async () => {
    for (let round = 0; round < 5; round++) {
      const made = [await question(0, `left${round}`), await question(1, `right${round}`)]
      const ids = made.map(({ body }) => (body as { label_schema: LabelSchema }).label_schema.schema_id)
      const answers = await Promise.all(
        ids.map((schema_id, index) =>
          ask(index, 'PATCH', `${SCHEMAS}/update`, {
            schema_id,
            name: `won${round}`,
            instruction: `by ${index}`,
          }),
        ),
      )
      expect(answers.map(({ status }) => status).sort()).toEqual([200, 400])
      const winner = answers[0]?.status === 200 ? 0 : 1
      expect(errorOf(answers[1 - winner] as HttpAnswer)).toBe('RESOURCE_ALREADY_EXISTS')
      const found = (await list(round)).filter(({ name }) => name.endsWith(String(round)))
      expect(found.map(({ name }) => name).sort()).toEqual(
        [`won${round}`, winner === 0 ? `right${round}` : `left${round}`].sort(),
      )
      const won = found.find(({ schema_id }) => schema_id === ids[winner])
      expect(won).toMatchObject({ name: `won${round}`, instruction: `by ${winner}` })
    }
  })

  it('has every change of one label schema in the end, whichever goes with another name', async () => {
    const { body } = await question(0, 'changing')
    const { schema_id } = (body as { label_schema: LabelSchema }).label_schema
    const answers = await race((index) =>
      ask(index, 'PATCH', `${SCHEMAS}/update`, {
        schema_id,
        ...(index % 3 === 0 ? { name: `changing ${index}` } : { instruction: `step ${index}` }),
      }),
    )
    expect(answers.every(({ status }) => status === 200)).toBe(true)
    const found = (await list(1)).filter(({ name }) => name.startsWith('changing'))
    expect(found).toHaveLength(1)
    // Names that were given up are free again, the one that is left is not.
    const again = await Promise.all(
      numbers(RACERS).map((number) => question(number, `changing ${number - 1}`)),
    )
    expect(again.filter(({ status }) => status !== 200)).toHaveLength(1)
  })
})
