// The table of an experiment's runs: order, search, pages, columns, nested, deleted and renamed runs.
import type { Page } from 'playwright-core'
import { expect, it } from 'vitest'
import { component, see, type Ui, untilQuiet } from '../ui.ts'

/** From the top; the table renders only what is in view. */
const runNames = (page: Page): Promise<string[]> =>
  page.evaluate(() => {
    const rows = [...document.querySelectorAll('[row-index]')].flatMap((row) => {
      const link = row.querySelector('a[href*="/runs/"]')
      return link ? [{ top: Number(row.getAttribute('row-index')), name: link.textContent ?? '' }] : []
    })
    return rows.sort((a, b) => a.top - b.top).map(({ name }) => name)
  })

const seeRuns = async (page: Page, wanted: readonly string[]) =>
  expect.poll(async () => (await runNames(page)).slice(0, wanted.length), { timeout: 30_000 }).toEqual(wanted)

async function search(page: Page, filter: string): Promise<void> {
  await page.getByTestId('search-box').fill(filter)
  await page.keyboard.press('Escape')
  await page.keyboard.press('Enter')
}

export function runsTableTests(ui: Ui): void {
  const open = (query = '') => ui.open(`/experiments/${ui.seed.churn.experiment_id}/runs${query}`)

  it('lists runs, the newest first, and loads more of them', async () => {
    const page = await open()
    await seeRuns(page, ['sweep', 'churn-236', 'churn-235'])
    await see(page.getByText('100 matching runs'))
    await ui.shot(page, 'runs')
    const more = page.getByRole('button', { name: 'Load more' })
    await page.locator('.ag-body-viewport').evaluate((view) => view.scrollTo(0, view.scrollHeight))
    await more.click()
    await see(page.getByText('200 matching runs'))
  })

  it('finds runs by metrics, parameters and tags', async () => {
    const page = await open()
    await search(page, 'metrics.accuracy > 0.9465 and params.optimizer != "sgd"')
    await seeRuns(page, ['churn-003', 'churn-002', 'churn-000'])
    await see(page.getByText('3 matching runs'))
    await search(page, 'tags.team = "blue" and attributes.run_name LIKE "churn-00%"')
    await seeRuns(page, ['churn-009', 'churn-006', 'churn-003', 'churn-000'])
    await ui.shot(page, 'runs-search')
  })

  it('says what is wrong with a search', async () => {
    const page = await open()
    await search(page, 'metrics.accuracy >')
    await see(page.getByText(/Invalid clause|Invalid filter/))
  })

  it('sorts by a metric and by a column', async () => {
    const page = await open()
    await page.getByTestId('sort-select-dropdown').click()
    const sorted = untilQuiet(page)
    await page.getByTestId('sort-select-accuracy').click()
    await sorted
    await seeRuns(page, ['churn-000', 'churn-001', 'churn-002'])
    await ui.shot(page, 'runs-by-metric')
    await page.getByTestId('sort-header-Run Name').click()
    await seeRuns(page, ['trial-3', 'trial-2'])
  })

  it('unfolds nested runs', async () => {
    const page = await open()
    await seeRuns(page, ['sweep', 'churn-236'])
    const fold =
      'codegen_mlflow_app_src_experiment-tracking_components_experiment-page_components_runs_cells_runnamecellrenderer.tsx_46'
    await component(page, fold).first().click()
    await seeRuns(page, ['sweep', 'trial-3', 'trial-2', 'trial-1', 'trial-0', 'churn-236'])
    await component(page, fold).nth(1).click()
    await seeRuns(page, ['sweep', 'trial-3', 'trial-2', 'trial-1', 'trial-0', 'trial-0-retry', 'churn-236'])
    await ui.shot(page, 'runs-nested')
  })

  it('shows columns of metrics and parameters', async () => {
    const page = await open()
    await page.getByTestId('column-selection-dropdown').filter({ hasText: 'Columns' }).click()
    for (const name of ['accuracy', 'optimizer']) await page.getByTitle(name, { exact: true }).first().click()
    await page.keyboard.press('Escape')
    await see(page.getByTestId('sort-header-accuracy'))
    await see(page.getByRole('gridcell', { name: 'lion' }))
    await ui.shot(page, 'runs-columns')
  })

  it('groups runs by a parameter', async () => {
    const page = await open()
    await page.getByTestId('column-selection-dropdown').filter({ hasText: 'Group by' }).click()
    await page.getByRole('menuitemcheckbox', { name: 'optimizer' }).click()
    await page.keyboard.press('Escape')
    await see(page.getByText('Group: lion'))
    await ui.shot(page, 'runs-grouped')
  })

  it('shows deleted runs and restores them', async () => {
    const page = await open('?lifecycleFilter=Deleted')
    await seeRuns(page, ['churn-239', 'churn-238', 'churn-237'])
    await page
      .getByRole('checkbox', { name: /Press Space/ })
      .first()
      .click()
    await page.getByTestId('runs-restore-button').click()
    await page.getByRole('dialog').getByRole('button', { name: 'Restore' }).click()
    await seeRuns(page, ['churn-238', 'churn-237'])
    const active = await open('?lifecycleFilter=Active')
    await seeRuns(active, ['sweep', 'churn-239', 'churn-236'])
    await active
      .getByRole('checkbox', { name: /Press Space/ })
      .nth(1)
      .click()
    await active.getByTestId('runs-delete-button').click()
    await active.getByRole('dialog').getByRole('button', { name: 'Delete' }).click()
    await seeRuns(active, ['sweep', 'churn-236'])
  })

  it('renames a run', async () => {
    const page = await open()
    await search(page, 'attributes.run_name = "churn-100"')
    await seeRuns(page, ['churn-100'])
    await page
      .getByRole('checkbox', { name: /Press Space/ })
      .first()
      .click()
    await page.getByTestId('run-rename-button').click()
    await page.getByRole('dialog').getByRole('textbox').fill('churn-100-renamed')
    await page.getByRole('dialog').getByRole('button', { name: 'Save' }).click()
    await page.getByRole('dialog').waitFor({ state: 'hidden' })
    await search(page, 'attributes.run_name = "churn-100-renamed"')
    await seeRuns(page, ['churn-100-renamed'])
  })
}
