// Evaluated versions beside each other, and the records of a data set.
import { expect, it } from 'vitest'
import { component, see } from '../../ui.ts'
import { type GenaiUi, openTab } from './seed.ts'

const RECORDS = 'mlflow.eval-datasets-v2'

export function evaluationTests(ui: GenaiUi): void {
  const open = (tab: string) => openTab(ui, ui.genai.evaluation, tab)

  it('lists evaluation runs with their means', async () => {
    const page = await open('evaluation-runs')
    await see(page.getByText('first-version'))
    await see(page.getByText('capitals-of-countries'))
    for (const mean of ['0.5', '9.5']) await see(page.getByText(mean, { exact: true }))
    await page.getByText('second-version').first().click()
    await see(page.getByText('{ "country": "Vietnam" }'))
    await see(page.getByText('100%'))
    await ui.shot(page, 'evaluation-run')
  })

  it('compares two evaluation runs row by row', async () => {
    const { first, second } = ui.genai.evaluation
    const page = await open(`evaluation-runs?selectedRunUuid=${second}&compareToRunUuid=${first}`)
    await see(page.getByText('Comparing'))
    await see(page.getByText('"Hanoi"'))
    await see(page.getByText('"I do not know."'))
    await see(page.getByText('+50%'))
    await ui.shot(page, 'evaluation-compare')
  })

  it('shows the records of a data set and finds them', async () => {
    const page = await open('datasets')
    await page.getByText('capitals-of-countries').click()
    for (const country of ['Portugal', 'Norway', 'Ecuador', 'Vietnam']) {
      await see(page.getByText(`{"country":"${country}"}`))
    }
    await component(page, `${RECORDS}.records.search`).fill('Oslo')
    await expect.poll(() => page.getByText('{"country":"Portugal"}').count(), { timeout: 30_000 }).toBe(0)
    await see(page.getByText('{"country":"Norway"}'))
    await ui.shot(page, 'dataset')
  })

  it('adds a record to a data set, and deletes it', async () => {
    const page = await open('datasets')
    await page.getByText('capitals-of-countries').click()
    await component(page, `${RECORDS}.records.add-record`).click()
    // The editor offers an example to begin with.
    await see(page.getByRole('textbox', { name: 'Dataset record inputs' }))
    await component(page, `${RECORDS}.drawer.save`).click()
    await expect.poll(() => page.getByText('Unsaved changes').count(), { timeout: 30_000 }).toBe(0)
    const added = page.getByText('{"messages":[{"role":"user","content":"Hello"}]}')
    await see(added)
    await ui.shot(page, 'dataset-added')
    const row = page.getByRole('row').filter({ has: added })
    await row.getByRole('checkbox').check({ force: true })
    await component(page, `${RECORDS}.records.selection-toolbar.delete`).click()
    await page.getByRole('dialog').getByRole('button', { name: 'Delete' }).click()
    await expect.poll(() => added.count(), { timeout: 30_000 }).toBe(0)
    await see(page.getByText('{"country":"Norway"}'))
  })
}
