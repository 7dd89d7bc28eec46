// The deletion for good beside those who restore, write and delete: two servers on one database.
import { expect, it } from 'vitest'
import type { Collected, Deletion } from '../../src/lifecycle/cleaning/schema.ts'
import { describeEachEngine } from '../support/engines.ts'
import { ask, createExperiment, createRun, findNaming } from '../support/full-experiment.ts'
import type { HttpAnswer } from '../support/http.ts'
import { useServers } from './servers.ts'

const API = '/api/2.0/mlflow'
const OWN = '/api/crateflow/1.0'
const ROUNDS = 3
const RUNS = 12

describeEachEngine('races with the deletion for good', (target) => {
  const { appOf } = useServers(target)
  const requestOf = (index: number) => appOf(index).request
  const post = (index: number, path: string, body: object) => requestOf(index)('POST', path, body)
  const ok = <T>(path: string, body: object, index = 0) => ask<T>(requestOf(index), 'POST', path, body)

  async function collect(index: number): Promise<Collected> {
    const all: Collected = { deleted: [], left: [] }
    let token: string | undefined
    do {
      const step = await ok<Collected>(`${OWN}/gc/collect`, token ? { page_token: token } : {}, index)
      all.deleted.push(...step.deleted)
      all.left.push(...step.left)
      token = step.next_page_token
    } while (token)
    return all
  }

  /** As stock clients do. */
  async function untilAvailable(act: () => Promise<HttpAnswer>): Promise<HttpAnswer> {
    for (;;) {
      const answer = await act()
      if (answer.status !== 503) return answer
    }
  }

  async function deletedRuns(experiment: string): Promise<string[]> {
    const runs = await Promise.all(Array.from({ length: RUNS }, () => createRun(requestOf(0), experiment)))
    for (const run_id of runs) {
      const params = [{ key: 'p', value: '1' }]
      const metrics = [{ key: 'm', value: 1, timestamp: 1, step: 0 }]
      await ok(`${API}/runs/log-batch`, { run_id, params, metrics })
      await ok(`${API}/runs/delete`, { run_id })
    }
    return runs
  }

  const runOf = async (run: string) => {
    const { status, body } = await requestOf(1)('GET', `${API}/runs/get?run_id=${run}`)
    return status === 404
      ? undefined
      : (body as { run: { info: { lifecycle_stage: string }; data: { params?: []; metrics?: [] } } }).run
  }
  const countOf = async (id: string) =>
    (await ask<{ deletions: Deletion[] }>(requestOf(1), 'GET', `${OWN}/deletions/search?id=${id}`)).deletions
      .length

  it('a run that was restored is whole, one that was not is gone', async () => {
    for (let round = 0; round < ROUNDS; round++) {
      const runs = await deletedRuns(await createExperiment(requestOf(0), `restored runs ${round}`))
      const restores = runs.map((run_id) => untilAvailable(() => post(1, `${API}/runs/restore`, { run_id })))
      const [{ deleted, left }, ...answers] = await Promise.all([collect(0), ...restores])
      expect(left).toEqual([])
      for (const [i, run] of runs.entries()) {
        const found = await runOf(run)
        expect([200, 404]).toContain(answers[i]?.status)
        expect(deleted.some(({ id }) => id === run)).toBe(answers[i]?.status === 404)
        expect(await countOf(run)).toBe(answers[i]?.status === 404 ? 1 : 0)
        if (answers[i]?.status === 404) expect(found).toBeUndefined()
        else {
          expect(found?.info.lifecycle_stage).toBe('active')
          expect([found?.data.params?.length, found?.data.metrics?.length]).toEqual([1, 1])
        }
      }
      const gone = runs.filter((_run, i) => answers[i]?.status === 404)
      if (gone.length > 0) expect(await findNaming(appOf(0).engine, gone)).toEqual({})
    }
  })

  it('an experiment that was restored has all its runs, one that was not is gone with them', async () => {
    for (let round = 0; round < 2 * ROUNDS; round++) {
      const name = `restored experiment ${round}`
      const id = await createExperiment(requestOf(0), name)
      const runs = await Promise.all([0, 1, 2].map(() => createRun(requestOf(0), id)))
      await ok(`${API}/experiments/delete`, { experiment_id: id })
      // By turns one of them is a little later.
      const later = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms))
      const [{ left }, restored] = await Promise.all([
        later(round % 2 ? 5 : 0).then(() => collect(0)),
        untilAvailable(() => post(1, `${API}/experiments/restore`, { experiment_id: id })),
      ])
      const found = await Promise.all(runs.map(runOf))
      if (restored.status === 200) {
        expect(found.map((run) => run?.info.lifecycle_stage)).toEqual(['active', 'active', 'active'])
        expect((await requestOf(0)('GET', `${API}/experiments/get?experiment_id=${id}`)).status).toBe(200)
        expect(await countOf(runs[0] ?? '')).toBe(0)
        continue
      }
      expect(restored.status).toBe(404)
      expect(left).toEqual([])
      expect(found).toEqual([undefined, undefined, undefined])
      expect(await findNaming(appOf(0).engine, [id, ...runs])).toEqual({})
      expect(await createExperiment(requestOf(0), name)).not.toBe(id)
    }
  })

  it('several collections at once delete and record each thing once', async () => {
    const id = await createExperiment(requestOf(0), 'collected by many')
    const runs = await deletedRuns(id)
    const other = await createExperiment(requestOf(0), 'collected with its runs')
    const inside = await createRun(requestOf(0), other)
    await ok(`${API}/experiments/delete`, { experiment_id: other })
    const all = await Promise.all([0, 1, 2, 3].map(collect))
    expect(all.flatMap(({ left }) => left)).toEqual([])
    for (const thing of [...runs, other, inside]) expect(await countOf(thing)).toBe(1)
    expect(await findNaming(appOf(0).engine, [...runs, other, inside])).toEqual({})
  })

  it('leaves nothing of a run into which others write', async () => {
    const experiment = await createExperiment(requestOf(0), 'written to')
    const run = await createRun(requestOf(0), experiment)
    const writes = Array.from({ length: 40 }, (_, step) =>
      post(step, `${API}/runs/log-batch`, {
        run_id: run,
        metrics: [{ key: `m${step}`, value: step, timestamp: 1, step }],
        params: [{ key: `p${step}`, value: '1' }],
      }),
    )
    const removed = ok(`${API}/runs/delete`, { run_id: run }, 1).then(() => collect(1))
    const answers = await Promise.all(writes)
    for (const { status } of answers) expect([200, 400, 404]).toContain(status)
    await removed
    await collect(0)
    expect(await findNaming(appOf(0).engine, [run])).toEqual({})
  })
})
