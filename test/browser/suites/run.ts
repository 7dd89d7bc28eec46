// The page of one run: overview, metrics, tags and description.
import { expect, it } from 'vitest'
import { component, see, type Ui } from '../ui.ts'
import { lastOf, section, seeTrace } from './charts.ts'
import { addTag } from './experiments.ts'

export function runTests(ui: Ui): void {
  const open = (tab = '') =>
    ui.open(`/experiments/${ui.seed.images.experiment_id}/runs/${ui.seed.images.runs[0]}${tab}`)

  it('shows what is known about a run', async () => {
    const page = await open()
    await see(page.getByTestId('runs-header').filter({ hasText: 'resnet-0' }))
    const facts = {
      'Created at': '01/12/2026, 12:00:00 AM',
      'Created by': 'ada',
      Status: 'Finished',
      Duration: '1.5min',
      'Logged models': '—',
      'Registered prompts': '—',
      'Run ID': ui.seed.images.runs[0] ?? '',
    }
    for (const [key, value] of Object.entries(facts)) {
      await see(page.getByTestId(`key-value-${key}`).filter({ hasText: value }))
    }
    await see(page.getByText('The baseline of all others.'))
    await see(page.getByText('Metrics (5)'))
    await see(page.getByText('Parameters (3)'))
    await see(page.getByRole('cell', { name: 'architecture' }).or(page.getByText('architecture')))
    await ui.shot(page, 'run')
  })

  it('draws the metrics that a model has logged', async () => {
    const page = await open('/model-metrics')
    const { x } = await seeTrace(page, ({ x }) => lastOf(x) === 99_999)
    expect(x?.length).toBeLessThan(1000)
    await see(section(page, /val\s*\(1\)/))
    await ui.shot(page, 'run-model-metrics')
  })

  it('draws what the machine was doing', async () => {
    const page = await open('/system-metrics')
    await see(section(page, /System metrics\s*\(3\)/))
    const { y } = await seeTrace(page, ({ y }) => Number(y?.[0]) > 1900)
    expect(lastOf(y)).toBeGreaterThan(8000)
    await ui.shot(page, 'run-system-metrics')
  })

  it('opens the tab of traces without an error page', async () => {
    const page = await open('/traces')
    await see(page.getByRole('tab', { name: 'Traces' }))
    await ui.shot(page, 'run-traces')
    expect(await page.getByText(/went wrong|An error occurred/).count()).toBe(0)
  })

  it('opens a nested run from its parent and back', async () => {
    const { experiment_id, children } = ui.seed.churn
    const page = await ui.open(`/experiments/${experiment_id}/runs/${children[0]}`)
    await see(page.getByTestId('runs-header').filter({ hasText: 'trial-0' }))
    await page.getByTestId('entity-overview-container').or(page.locator('body')).first().waitFor()
    await page.getByRole('link', { name: 'sweep' }).first().click()
    await see(page.getByTestId('runs-header').filter({ hasText: 'sweep' }))
    await see(page.getByText('Four trials of one model.'))
  })

  it('finds the page of a run by its id alone', async () => {
    const page = await ui.open(`/runs/${ui.seed.churn.runs[5]}`)
    await see(page.getByTestId('runs-header').filter({ hasText: 'churn-005' }))
  })

  it('shows the dataset that a run was trained on', async () => {
    const page = await ui.open(`/experiments/${ui.seed.churn.experiment_id}/runs/${ui.seed.churn.runs[3]}`)
    await page
      .getByText(/customers/)
      .first()
      .click()
    await see(page.getByText('7043').or(page.getByText('7,043')))
    await ui.shot(page, 'run-dataset')
  })

  it("edits a run's tags and description", async () => {
    const path = `/experiments/${ui.seed.churn.experiment_id}/runs/${ui.seed.churn.runs[7]}`
    const page = await ui.open(path)
    await component(page, 'mlflow.run_details.overview.tags.add_button')
      .or(page.getByRole('button', { name: /tags/i }))
      .first()
      .click()
    await addTag(page, 'judged', 'well')
    await see(page.getByText('judged'))
    await page.getByRole('button', { name: 'Edit description' }).click()
    await page.getByTestId('text-area').fill('Written *in the browser*.')
    await page.getByRole('button', { name: 'Save' }).click()
    await see(page.getByText('Written in the browser.'))
    const again = await ui.open(path)
    await see(again.getByText('Written in the browser.'))
    await see(again.getByText('judged'))
    await ui.shot(again, 'run-edited')
  })

  it('renames and deletes a run on its page', async () => {
    const path = `/experiments/${ui.seed.churn.experiment_id}/runs/${ui.seed.churn.runs[9]}`
    const page = await ui.open(path)
    await page.getByTestId('overflow-menu-trigger').click()
    await page.getByText('Rename', { exact: true }).click()
    await page.getByRole('dialog').getByRole('textbox').fill('churn-009 again')
    await page.getByRole('dialog').getByRole('button', { name: 'Save' }).click()
    await see(page.getByTestId('runs-header').filter({ hasText: 'churn-009 again' }))
    await page.getByTestId('overflow-menu-trigger').click()
    await page.getByText('Delete', { exact: true }).click()
    await page.getByRole('dialog').getByRole('button', { name: 'Delete' }).click()
    await page.getByRole('dialog').waitFor({ state: 'hidden' })
    const answer = await ui.context.request.get(
      `${ui.url}/ajax-api/2.0/mlflow/runs/get?run_id=${ui.seed.churn.runs[9]}`,
    )
    expect((await answer.json()).run.info).toMatchObject({
      run_name: 'churn-009 again',
      lifecycle_stage: 'deleted',
    })
  })
}
