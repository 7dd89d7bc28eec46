// Changes of different fields of one run at once: none undoes another.
import { expect, it } from 'vitest'
import { startApp } from '../support/app.ts'
import { describeEachEngine } from '../support/engines.ts'

const API = '/api/2.0/mlflow/runs'
const ROUNDS = 20

describeEachEngine('a run whose name and status change at once', (engine) => {
  // Problem: a run that had ended was RUNNING again. Cause: a rename wrote the status back that it had read before.
  it(`keeps both changes, ${ROUNDS} times`, async () => {
    const app = await startApp(engine)
    try {
      for (let round = 0; round < ROUNDS; round++) {
        const created = await app.request('POST', `${API}/create`, { experiment_id: '0' })
        const runId = (created.body as { run: { info: { run_id: string } } }).run.info.run_id
        const update = (changes: object) =>
          app.request('POST', `${API}/update`, { run_id: runId, ...changes })
        const answers = await Promise.all([
          update({ run_name: 'renamed' }),
          update({ status: 'FINISHED', end_time: 7 }),
          update({ run_name: 'renamed' }),
        ])
        expect(answers.map(({ status }) => status)).toEqual([200, 200, 200])
        const shown = await app.request('GET', `${API}/get?run_id=${runId}`)
        expect(shown.body).toMatchObject({
          run: { info: { status: 'FINISHED', end_time: 7, run_name: 'renamed' } },
        })
      }
    } finally {
      await app.close()
    }
  })
})
