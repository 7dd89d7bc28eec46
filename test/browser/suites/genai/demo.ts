// The demo of the web UI: made from the home page, looked at, assessed, removed.
import { beforeAll, expect, it } from 'vitest'
import { sendHttp } from '../../../support/http.ts'
import { component, openForAgents, see, type Ui } from '../../ui.ts'
import { PANE } from './seed.ts'

/** Stock's demo has other texts. */
const ofOurs = it.skipIf(process.env.RECORD_UI)

export function demoTests(ui: Ui): void {
  let experiment = ''
  const open = (path: string) => openForAgents(ui, `/experiments/${experiment}/${path}`)

  beforeAll(async () => {
    const { body } = await sendHttp(ui.url, 'POST', '/ajax-api/3.0/mlflow/demo/generate')
    experiment = (body as { experiment_id: string }).experiment_id
  })

  ofOurs('leads to the demo from the home page, and draws its charts', async () => {
    const page = await openForAgents(ui, '/')
    await page.getByRole('button', { name: 'Start Demo' }).click()
    await page.waitForURL(`**/#/experiments/${experiment}/overview/usage*`)
    await see(page.getByText('24', { exact: true }))
    await see(page.getByText('(Overall error rate: 0.0%)'))
    await ui.shot(page, 'demo-overview')
  })

  ofOurs('lists traces and finds them by their text', async () => {
    const page = await open('traces')
    await see(page.getByText('24 of 24'))
    await see(page.getByText('Then try our Wanderer with a motor'))
    await ui.shot(page, 'demo-traces')
    await page.getByPlaceholder('Search traces by id, input, or output').fill('cargo')
    await page.keyboard.press('Enter')
    await expect.poll(() => page.getByRole('row').count(), { timeout: 30_000 }).toBe(3)
    await see(page.getByText('Do you rent cargo bicycles?'))
  })

  ofOurs('shows the spans of a trace, and takes feedback on it', async () => {
    const page = await open('traces')
    await page.getByText('Hilly, and I may.').first().click()
    await see(page.getByText('conversation'))
    await see(page.getByText('chat', { exact: true }))
    await page.getByRole('button', { name: 'Assess' }).click()
    await see(page.getByText('expected_response'))
    await see(page.getByText('groundedness'))
    await ui.shot(page, 'demo-trace')
    await component(page, `${PANE}.add-feedback`).first().click()
    await page.getByText('Human feedback').click()
    await component(page, `${PANE}.assessment-name-typeahead.input`).fill('polite')
    await page.keyboard.press('Enter')
    await component(page, `${PANE}.assessment-rationale-input`).fill('Says please.')
    await component(page, `${PANE}.assessment-create-button`).getByText('Create').click()
    await see(page.getByText('polite'))
    await see(page.getByText('Feedback (3)'))
    await ui.shot(page, 'demo-feedback')
    expect(await questionsOf("feedback.polite = 'true'")).toEqual(['Hilly, and I may.'])
  })

  ofOurs('draws what assessments say', async () => {
    const page = await open('overview/quality')
    await see(page.getByText('groundedness'))
    await see(page.getByText('relevance'))
    await ui.shot(page, 'demo-quality')
  })

  ofOurs('shows the dataset, the reviews and the prompts of the demo', async () => {
    const datasets = await open('datasets')
    await see(datasets.getByText('demo-questions'))
    await ui.shot(datasets, 'demo-datasets')
    const reviews = await open('review-queue')
    await see(reviews.getByText('Demo Response Review'))
    await ui.shot(reviews, 'demo-reviews')
    const prompts = await open('prompts')
    await see(prompts.getByText('mlflow-demo.prompts.shop-support'))
    await ui.shot(prompts, 'demo-prompts')
  })

  it('removes the demo in the settings', async () => {
    const page = await openForAgents(ui, '/settings')
    await component(page, 'mlflow.settings.demo.clear-all-button').click()
    await page
      .getByRole('dialog')
      .getByRole('button', { name: /clear|delete/i })
      .click()
    await expect.poll(() => questionsOf(undefined), { timeout: 30_000 }).toEqual([])
  })

  /** Requests of the traces that the filter finds. */
  async function questionsOf(filter: string | undefined): Promise<string[]> {
    const { body } = await sendHttp(ui.url, 'POST', '/api/3.0/mlflow/traces/search', {
      locations: [{ type: 'MLFLOW_EXPERIMENT', mlflow_experiment: { experiment_id: experiment } }],
      filter,
    })
    const { traces = [] } = body as { traces?: { request_preview: string }[] }
    return traces.map(({ request_preview }) => request_preview)
  }
}
