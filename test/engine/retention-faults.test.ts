// Kills the server between any two statements of changes of policies: what remains is the old or the new state, and the retry completes.
import { expect } from 'vitest'
import type { AuditEntry, Policy } from '../../src/lifecycle/retention/schema.ts'
import { ask } from '../support/full-experiment.ts'
import { RETENTION } from '../support/retention.ts'
import { type Answer, type Ask, describeKilledServer, type Scenario } from './killed-server.ts'

const ok = (answer: Answer) => expect(answer.status, JSON.stringify(answer.body)).toBe(200)
const post = (request: Ask, path: string, body: object) => request('POST', `${RETENTION}/${path}`, body)
const policyOf = async (request: Ask, name: string): Promise<Policy | undefined> => {
  const { status, body } = await request('GET', `${RETENTION}/policies/get?policy_id=${name}`)
  return status === 200 ? (body as { policy: Policy }).policy : undefined
}
const auditOf = async (request: Ask, name: string) =>
  (await ask<{ entries: AuditEntry[] }>(request, 'GET', `${RETENTION}/audit/list?policy_id=${name}`)).entries

const policy = (name: string) => ({ name, target: 'audit', strategy: 'delete', duration: '900y' })

const scenarios: Record<string, Scenario> = {
  'create a policy': {
    prepare: async () => ({}),
    act: (request, _state, mark) => post(request, 'policies/create', policy(mark)),
    remains: async (request, _state, mark) => {
      const found = await policyOf(request, mark)
      if (found) expect(found).toMatchObject({ duration: '900y', version: 1 })
    },
    completed: async (request, _state, mark, retry) => {
      ok(retry)
      expect(await policyOf(request, mark)).toMatchObject({ version: 1 })
      expect((await auditOf(request, mark)).map(({ kind }) => kind)).toEqual(['policy_created'])
    },
  },
  'change a policy': {
    prepare: async (request, mark) => {
      ok(await post(request, 'policies/create', policy(mark)))
      return {}
    },
    act: (request, _state, mark) =>
      post(request, 'policies/update', { policy_id: mark, duration: '901y', tags: ['t'] }),
    remains: async (request, _state, mark) => {
      const { duration, tags } = (await policyOf(request, mark)) ?? {}
      expect(['900y ', '901y t']).toContain(`${duration} ${tags?.join()}`)
    },
    completed: async (request, _state, mark, retry) => {
      ok(retry)
      expect(await policyOf(request, mark)).toMatchObject({ duration: '901y', version: 2 })
      expect((await auditOf(request, mark)).map(({ kind }) => kind).sort()).toEqual([
        'policy_created',
        'policy_updated',
      ])
    },
  },
  'delete a policy': {
    prepare: async (request, mark) => {
      ok(await post(request, 'policies/create', policy(mark)))
      return {}
    },
    act: (request, _state, mark) => post(request, 'policies/delete', { policy_id: mark }),
    remains: async () => {},
    completed: async (request, _state, mark, retry) => {
      expect([200, 404]).toContain(retry.status)
      expect(await policyOf(request, mark)).toBeUndefined()
      expect(await auditOf(request, mark)).toHaveLength(2)
    },
  },
}

describeKilledServer('a retention policy whose server is killed between any two statements', scenarios)
