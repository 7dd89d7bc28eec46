// What people change on the pages of traces, datasets, reviews and issues.
import type { Page } from 'playwright-core'
import { expect, it } from 'vitest'
import { component, QUIET_MS, see, untilQuiet } from '../../ui.ts'
import { type GenaiUi, openTab } from './seed.ts'

const TRACES = 'mlflow.traces-v4'
const DATASETS = 'mlflow.eval-datasets-v2.list'
const REVIEW = 'mlflow.experiment-review-queue'

export function changeTests(ui: GenaiUi): void {
  /** The table of traces after an action on those with the numbers. */
  async function act(numbers: readonly number[], action: string): Promise<Page> {
    const page = await openTab(ui, ui.genai.agent, 'traces')
    for (const number of numbers)
      await page.getByLabel(`Select trace ${ui.genai.agent.traces[number]}`).check({ force: true })
    await component(page, `${TRACES}.actions.trigger`).click()
    await component(page, `${TRACES}.actions.${action}`).click()
    return page
  }

  async function createDataset(page: Page, name: string): Promise<void> {
    await page.getByRole('button', { name: 'Create dataset' }).click()
    await page.getByPlaceholder('Enter dataset name').fill(name)
    const created = page.waitForResponse((answer) => answer.url().endsWith('/datasets/create'))
    await page.getByRole('button', { name: 'Create', exact: true }).click()
    expect((await created).status()).toBe(200)
  }

  it('compares two traces', async () => {
    const page = await act([6, 7], 'compare')
    await see(page.getByText('It is 16 degrees in Quito.'))
    await see(page.getByText('It is 17 degrees in Hanoi.'))
    await untilQuiet(page, QUIET_MS)
    await ui.shot(page, 'traces-compared')
  })

  it('puts a trace into the queue of reviews', async () => {
    const page = await act([5], 'flag-for-review')
    const added = page.waitForResponse((answer) => answer.url().endsWith('/review-queues/items/add'))
    await page.getByRole('option', { name: 'Default queue' }).click()
    await page.keyboard.press('Escape')
    expect((await added).status()).toBe(200)
    const reviews = await openTab(ui, ui.genai.agent, 'review-queue')
    await see(reviews.getByText('Question 005: how is the weather in Oslo?'))
    await ui.shot(reviews, 'trace-to-review')
  })

  it('exports a trace to a new data set', async () => {
    const page = await act([6], 'add-to-dataset')
    await createDataset(page, 'exported')
    await component(page, 'mlflow.export-traces-to-dataset-modal.row-checkbox').check({ force: true })
    const exported = page.waitForResponse((answer) => /\/datasets\/[^/]+\/records$/.test(answer.url()))
    await page.getByRole('button', { name: 'Export', exact: true }).click()
    expect((await exported).status()).toBe(200)
    const datasets = await openTab(ui, ui.genai.agent, 'datasets')
    await datasets.getByText('exported', { exact: true }).click()
    await see(datasets.getByText('Question 006: how is the weather in Quito?'))
    await ui.shot(datasets, 'trace-to-dataset')
  })

  it('creates a data set, and deletes it', async () => {
    await createDataset(await openTab(ui, ui.genai.odd, 'datasets'), 'short-lived')
    const page = await openTab(ui, ui.genai.odd, 'datasets')
    await see(page.getByText('short-lived'))
    await component(page, `${DATASETS}.row.actions`).click()
    await component(page, `${DATASETS}.row.delete`).click()
    await page.getByRole('dialog').getByRole('button', { name: 'Delete' }).click()
    await see(page.getByText('Create an evaluation dataset'))
  })

  it('creates a queue of reviews', async () => {
    const page = await openTab(ui, ui.genai.reviews, 'review-queue')
    await component(page, `${REVIEW}.sidebar.new-queue`).click()
    await page.getByPlaceholder('e.g. Hallucination review').fill('Second look')
    await page.getByText('Select or create questions').click()
    await page.getByRole('option', { name: 'mood' }).click()
    await page.keyboard.press('Escape')
    await page.getByRole('button', { name: 'Create', exact: true }).click()
    await page.getByText('Second look', { exact: true }).click()
    await see(page.getByText('1 question', { exact: true }))
    await ui.shot(page, 'review-queue-created')
  })

  it('shows the issues that a run has found, and resolves one', async () => {
    const page = await openTab(ui, ui.genai.agent, `evaluation-runs/${ui.genai.issues.run_id}/issues`)
    await see(page.getByText('The agent tells the weather without looking.'))
    await see(page.getByText('Impacted traces: 3'))
    await page.getByText('Resolve', { exact: true }).click()
    await see(page.getByText('Resolved (1)'))
    await ui.shot(page, 'issues')
    await page.getByRole('tab', { name: 'Traces' }).click()
    await see(page.getByText('Question 030: how is the weather in Quito?'))
    await page.getByRole('tab', { name: 'Overview' }).click()
    await see(page.getByText('The weather is never seen.'))
    await ui.shot(page, 'issues-run')
  })

  it('shows the versions of a prompt', async () => {
    const page = await openTab(ui, ui.genai.agent, 'prompts')
    await page.getByText('ask-for-weather').first().click()
    await see(page.getByText('Version 2'))
    await see(page.getByText('How is the weather in {{ city }}?'))
    await untilQuiet(page, QUIET_MS)
    await ui.shot(page, 'prompt')
  })

  it('lists the versions of an agent, of which there are none', async () => {
    const page = await openTab(ui, ui.genai.agent, 'models')
    await see(page.getByText('Agent versions'))
    await untilQuiet(page, QUIET_MS)
    await ui.shot(page, 'agent-versions')
  })
}
