// The web UI, its API and its files below a path, as behind a reverse proxy that many services share.
import { describe, expect, it } from 'vitest'
import { engineTarget } from '../support/engines.ts'
import { missing } from '../support/services.ts'
import { startBelow } from './server.ts'
import { see, useUi } from './ui.ts'

const reason = missing('chromium') || missing('python') || missing('ui')

describe.skipIf(reason || process.env.RECORD_UI)(`the web UI below a path${reason && ` (${reason})`}`, () => {
  const target = engineTarget('PGlite')
  const ui = useUi('static-prefix', () => startBelow('/team/mlflow', target))

  it('shows experiments, runs, files and models', async () => {
    const experiments = await ui.open('/experiments')
    await see(experiments.getByRole('link', { name: 'model-training' }))
    const runs = await ui.open(`/experiments/${ui.seed.churn.experiment_id}/runs`)
    await see(runs.getByText('churn-001'))
    const { experiment_id, runs: long } = ui.seed.images
    const file = await ui.open(`/experiments/${experiment_id}/runs/${long[0]}/artifacts/files/log.txt`)
    await see(file.getByText('plain seeded text'))
    await ui.shot(file, 'artifact')
    const model = await ui.open('/models/churn/versions/3')
    await see(model.getByText('@ champion'))
  })

  it('asks for nothing outside of the path', () => {
    expect(ui.log.foreign()).toEqual([])
    expect(ui.log.requests().map(({ path }) => path)).toContain('/graphql')
  })
})
