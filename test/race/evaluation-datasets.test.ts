// Races for the records of evaluation datasets, between two servers on one database.
import { expect, it } from 'vitest'
import type { EvaluationDataset } from '../../src/genai/evaluation-datasets/schema.ts'
import { describeEachEngine } from '../support/engines.ts'
import type { HttpAnswer } from '../support/http.ts'
import { useServers } from './servers.ts'

const DATASETS = '/api/3.0/mlflow/datasets'
const RACERS = 20

interface Item {
  inputs: Record<string, number>
  expectations: Record<string, number>
}

describeEachEngine('races in evaluation datasets', (target) => {
  const { appOf } = useServers(target)
  const ask = (index: number, method: string, path: string, body?: unknown) =>
    appOf(index).request(method, DATASETS + path, body)
  const race = (act: (index: number) => Promise<HttpAnswer>) =>
    Promise.all(Array.from({ length: RACERS }, (_, index) => act(index)))
  const create = async () => {
    const { body } = await ask(0, 'POST', '/create', { name: 'raced' })
    return (body as { dataset: EvaluationDataset }).dataset.dataset_id
  }
  const get = async (id: string) =>
    ((await ask(1, 'GET', `/${id}`)).body as { dataset: EvaluationDataset }).dataset
  const upsert = (index: number, id: string, records: object[]) =>
    ask(index, 'POST', `/${id}/records`, { records: JSON.stringify(records) })
  const list = async (id: string): Promise<Item[]> =>
    JSON.parse(((await ask(1, 'GET', `/${id}/records`)).body as { records: string }).records)
  const sum = (answers: HttpAnswer[], field: string) =>
    answers.reduce((total, { body }) => total + Number((body as Record<string, unknown>)[field]), 0)

  it('keeps the expectations of all who merge the same records at once', async () => {
    const id = await create()
    const answers = await race((index) =>
      upsert(
        index,
        id,
        [1, 2, 3].map((n) => ({ inputs: { n }, expectations: { [`e${index}`]: index } })),
      ),
    )
    expect(answers.map(({ status }) => status)).toEqual(Array(RACERS).fill(200))
    expect(sum(answers, 'inserted_count')).toBe(3)
    expect(sum(answers, 'updated_count')).toBe(3 * RACERS - 3)
    const records = await list(id)
    expect(records).toHaveLength(3)
    for (const { expectations } of records) expect(Object.keys(expectations)).toHaveLength(RACERS)
    const { schema, profile } = await get(id)
    expect(Object.keys(JSON.parse(schema ?? '').expectations)).toHaveLength(RACERS)
    expect(profile).toBe('{"num_records": 3}')
  })

  it('counts every record while some are added and others deleted', async () => {
    const id = await create()
    await upsert(
      0,
      id,
      Array.from({ length: RACERS }, (_, n) => ({ inputs: { old: n } })),
    )
    const ids = ((await list(id)) as unknown as { dataset_record_id: string }[]).map(
      ({ dataset_record_id }) => dataset_record_id,
    )
    const answers = await race((index) =>
      index % 2
        ? ask(index, 'DELETE', `/${id}/records`, { dataset_record_ids: [ids[index]] })
        : upsert(index, id, [{ inputs: { fresh: index } }, { inputs: { more: index } }]),
    )
    expect(answers.map(({ status }) => status)).toEqual(Array(RACERS).fill(200))
    const left = RACERS - RACERS / 2 + RACERS
    expect(await list(id)).toHaveLength(left)
    expect((await get(id)).profile).toBe(`{"num_records": ${left}}`)
  })

  it('leaves nothing of a dataset that is deleted while records come', async () => {
    const id = await create()
    const answers = await race((index) =>
      index === RACERS / 2 ? ask(index, 'DELETE', `/${id}`) : upsert(index, id, [{ inputs: { n: index } }]),
    )
    expect(answers.every(({ status }) => status === 200 || status === 404)).toBe(true)
    expect((await ask(1, 'GET', `/${id}`)).status).toBe(404)
    expect(await list(id)).toEqual([])
  })
})
