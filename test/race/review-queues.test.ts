// Races for names, changes and items of review queues, between two servers on one database.
import { expect, it } from 'vitest'
import { createReviewItemService } from '../../src/genai/review-queues/items.service.ts'
import type { ReviewQueue } from '../../src/genai/review-queues/schema.ts'
import { systemClock } from '../../src/platform/wire/ids.ts'
import { describeEachEngine } from '../support/engines.ts'
import type { HttpAnswer } from '../support/http.ts'
import { useServers } from './servers.ts'

const QUEUES = '/api/3.0/mlflow/review-queues'
const RACERS = 50

const errorOf = (answer: HttpAnswer) => (answer.body as { error_code?: string }).error_code
const queueOf = ({ body }: HttpAnswer) => (body as { review_queue: ReviewQueue }).review_queue
const statuses = (answers: HttpAnswer[]) => answers.map(({ status }) => status).sort()

describeEachEngine('races for review queues', (target) => {
  const { apps, appOf } = useServers(target)
  const ask = (index: number, action: string, body: object) =>
    appOf(index).request('POST', `${QUEUES}/${action}`, body)
  const race = <T>(act: (index: number) => Promise<T>) =>
    Promise.all(Array.from({ length: RACERS }, (_, index) => act(index)))
  const create = (index: number, name: string) =>
    ask(index, 'create', { experiment_id: '0', name, queue_type: 'CUSTOM' })
  const get = async (queueId: string, index = 0) =>
    queueOf(await appOf(index).request('GET', `${QUEUES}/get?queue_id=${queueId}`))
  const findByName = (name: string, index = 0) =>
    appOf(index).request('GET', `${QUEUES}/get-by-name?experiment_id=0&name=${name}`)

  it('makes the queue of a user once however many ask for it', async () => {
    const answers = await race((index) =>
      ask(index, 'get-or-create-user', { experiment_id: '0', user: index % 3 === 0 ? 'ANN' : 'ann' }),
    )
    expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([200]))
    expect(new Set(answers.map((answer) => queueOf(answer).queue_id)).size).toBe(1)
    const { body } = await appOf(1).request('GET', `${QUEUES}/list?experiment_id=0&user=ann`)
    expect((body as { review_queues: ReviewQueue[] }).review_queues).toHaveLength(1)
  })

  it('makes a queue once however many ask for its name, in whatever case', async () => {
    const answers = await race((index) => create(index, index % 2 === 0 ? 'wanted' : 'Wanted'))
    const refused = answers.filter(({ status }) => status !== 200)
    expect(refused).toHaveLength(RACERS - 1)
    expect(new Set(refused.map(errorOf))).toEqual(new Set(['RESOURCE_ALREADY_EXISTS']))
  })

  it('lets one of two renames to a name win', async () => {
    for (let round = 0; round < 10; round++) {
      const made = [await create(0, `left${round}`), await create(1, `right${round}`)].map(queueOf)
      const answers = await Promise.all(
        made.map(({ queue_id }, index) => ask(index, 'update', { queue_id, name: `won${round}` })),
      )
      expect(statuses(answers)).toEqual([200, 400])
      const loser = answers[0]?.status === 200 ? 1 : 0
      expect(errorOf(answers[loser] as HttpAnswer)).toBe('RESOURCE_ALREADY_EXISTS')
      expect((await get(made[loser]?.queue_id ?? '')).name).toBe(made[loser]?.name)
      expect(queueOf(await findByName(`won${round}`)).queue_id).toBe(made[1 - loser]?.queue_id)
    }
  })

  it('keeps each of the changes that are made at once', async () => {
    const { queue_id } = queueOf(await create(0, 'busy'))
    for (let round = 0; round < 5; round++) {
      const changes = [
        { name: `busy${round}` },
        { update_users: true, users: [`user${round}`] },
        { new_owner: `owner${round}` },
      ]
      const answers = await Promise.all(
        changes.map((change, index) => ask(index, 'update', { queue_id, ...change })),
      )
      expect(statuses(answers)).toEqual([200, 200, 200])
      expect(await get(queue_id, 1)).toMatchObject({
        name: `busy${round}`,
        users: [`user${round}`],
        created_by: `owner${round}`,
      })
    }
  })

  it('frees the name of a queue that is deleted while it is renamed', async () => {
    for (let round = 0; round < 5; round++) {
      const { queue_id } = queueOf(await create(0, `mortal${round}`))
      const [deleted, renamed] = await Promise.all([
        ask(0, 'delete', { queue_id }),
        ask(1, 'update', { queue_id, name: `risen${round}` }),
      ])
      expect(deleted.status).toBe(200)
      expect([200, 404]).toContain(renamed.status)
      expect((await findByName(`mortal${round}`)).status).toBe(404)
      expect((await findByName(`risen${round}`, 1)).status).toBe(404)
      expect((await create(0, `mortal${round}`)).status).toBe(200)
      expect((await create(1, `risen${round}`)).status).toBe(200)
    }
  })

  it('keeps the first of the users who complete an item at once', async () => {
    const { queue_id } = queueOf(await create(0, 'items'))
    const services = apps.map(({ engine }) =>
      createReviewItemService({
        engine,
        clock: systemClock,
        experimentsOfTraces: async (ids) => new Map(ids.map((id) => [id, '0'])),
      }),
    )
    const serviceOf = (index: number) => services[index % services.length] as (typeof services)[number]
    const added = await race((index) =>
      serviceOf(index).add({ queue_id, item_ids: ['tr-1', `tr-${index}`], item_type: undefined }),
    )
    expect(added.every((items) => items.length > 0)).toBe(true)
    expect((await serviceOf(0).list({ queue_id })).items).toHaveLength(RACERS)
    const completed = await race((index) =>
      serviceOf(index).setStatus({
        queue_id,
        item_id: 'tr-1',
        status: 'COMPLETE',
        completed_by: `user${index}`,
      }),
    )
    expect(new Set(completed.map((item) => JSON.stringify(item))).size).toBe(1)
  })
})
