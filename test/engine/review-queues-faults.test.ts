// Kills the server between any two statements of its writes of review queues.
import { expect } from 'vitest'
import type { ReviewQueue } from '../../src/genai/review-queues/schema.ts'
import { type Answer, type Ask, describeKilledServer, type Scenario } from './killed-server.ts'

const QUEUES = '/api/3.0/mlflow/review-queues'

const queueOf = (answer: Answer) => (answer.body as { review_queue: ReviewQueue }).review_queue
const code = (answer: Answer) => (answer.body as { error_code?: string }).error_code
const create = (ask: Ask, name: string) =>
  ask('POST', `${QUEUES}/create`, { experiment_id: '0', name, queue_type: 'CUSTOM', users: ['ann'] })
const find = (ask: Ask, name: string) =>
  ask('GET', `${QUEUES}/get-by-name?experiment_id=0&name=${encodeURIComponent(name)}`)

const scenarios: Record<string, Scenario> = {
  'create review queue': {
    prepare: async (ask, mark) => {
      // The embedded engine remembers the experiment from now on.
      await find(ask, mark)
      return {}
    },
    act: (ask, _state, mark) => create(ask, mark),
    remains: async (ask, _state, mark) => {
      const found = await find(ask, mark)
      if (found.status === 200) expect(queueOf(found).users).toEqual(['ann'])
      else expect(code(found)).toBe('RESOURCE_DOES_NOT_EXIST')
    },
    completed: async (ask, _state, mark, retry) => {
      if (retry.status !== 200) expect(code(retry)).toBe('RESOURCE_ALREADY_EXISTS')
      expect(queueOf(await find(ask, mark)).users).toEqual(['ann'])
    },
  },
  'make the queue of a user': {
    prepare: async () => ({}),
    act: (ask, _state, mark) =>
      ask('POST', `${QUEUES}/get-or-create-user`, { experiment_id: '0', user: mark }),
    remains: async (ask, _state, mark) => {
      expect([200, 404]).toContain((await find(ask, mark)).status)
    },
    completed: async (ask, _state, mark, retry) => {
      expect(queueOf(retry).queue_id).toBe(queueOf(await find(ask, mark)).queue_id)
    },
  },
  'rename review queue': {
    prepare: async (ask, mark) => ({ id: queueOf(await create(ask, mark)).queue_id }),
    act: (ask, { id }, mark) => ask('POST', `${QUEUES}/update`, { queue_id: id, name: `${mark}-new` }),
    remains: async (ask, _state, mark) => {
      const answers = await Promise.all([find(ask, mark), find(ask, `${mark}-new`)])
      expect(answers.map(({ status }) => status).sort()).toEqual([200, 404])
    },
    completed: async (ask, { id }, mark, retry) => {
      expect(retry.status).toBe(200)
      expect(queueOf(await find(ask, `${mark}-new`)).queue_id).toBe(id)
      // The old name is free again.
      expect((await create(ask, mark)).status).toBe(200)
    },
  },
  'delete review queue': {
    prepare: async (ask, mark) => ({ id: queueOf(await create(ask, mark)).queue_id }),
    act: (ask, { id }) => ask('POST', `${QUEUES}/delete`, { queue_id: id }),
    remains: async (ask, _state, mark) => {
      expect([200, 404]).toContain((await find(ask, mark)).status)
    },
    completed: async (ask, _state, mark, retry) => {
      expect(retry.status).toBe(200)
      expect((await find(ask, mark)).status).toBe(404)
      expect((await create(ask, mark)).status).toBe(200)
    },
  },
}

describeKilledServer('review queues whose server is killed between any two statements', scenarios)
