// What a person does with experiments: finds, creates, renames, tags, describes and deletes them.
import type { Page } from 'playwright-core'
import { expect, it } from 'vitest'
import { component, see, seeTexts, type Ui, untilQuiet } from '../ui.ts'

const names = (page: Page) => page.getByTestId('experiment-list-item-link')

export function experimentTests(ui: Ui): void {
  it('lists experiments page by page', async () => {
    const page = await ui.open('/experiments')
    await seeTexts(names(page).first(), ['model-training'])
    expect(await names(page).count()).toBe(25)
    await ui.shot(page, 'experiments')
    const quiet = untilQuiet(page)
    await page.getByRole('button', { name: 'Next' }).click()
    await quiet
    const rest = ui.seed.experiments - 25
    await expect.poll(() => names(page).count()).toBe(rest)
    expect(await names(page).allInnerTexts()).toEqual(
      expect.arrayContaining(['image-classification', 'churn-prediction', 'Default']),
    )
    expect(await page.getByText('abandoned').count()).toBe(0)
  })

  it('finds experiments by a part of their name', async () => {
    const page = await ui.open('/experiments')
    await page.getByPlaceholder('Search experiments').fill('churn')
    await page.keyboard.press('Enter')
    await seeTexts(names(page), ['churn-prediction'])
  })

  it('creates an experiment, renames it and deletes it', async () => {
    const page = await ui.open('/experiments')
    await page.getByTestId('create-experiment-button').click()
    await page.getByPlaceholder('Input an experiment name').fill('made in the browser')
    await page.getByRole('button', { name: 'Create' }).last().click()
    await see(page.getByTestId('experiment-link').or(page.getByText('made in the browser')))
    await page.waitForURL(/experiments\/\d+/)
    const [, id = ''] = /experiments\/(\d+)/.exec(page.url()) ?? []

    const runs = await ui.open(`/experiments/${id}/runs`)
    await runs.getByTestId('overflow-menu-trigger').click()
    await runs.getByTestId('mlflow.experiment_page.managementMenu.edit-experiment').click()
    const field = runs.getByRole('dialog').getByRole('textbox').first()
    await field.fill('renamed in the browser')
    await runs.getByRole('dialog').getByRole('button', { name: 'Save' }).click()
    await see(runs.getByText('renamed in the browser'))
    await ui.shot(runs, 'experiment-renamed')

    await runs.getByTestId('overflow-menu-trigger').click()
    await runs.getByTestId('mlflow.experiment_page.managementMenu.delete').click()
    await runs.getByRole('dialog').getByRole('button', { name: 'Delete' }).click()
    await runs.getByRole('dialog').waitFor({ state: 'hidden' })
    const list = await ui.open('/experiments')
    await seeTexts(names(list).first(), ['model-training'])
    expect(await list.getByText('renamed in the browser').count()).toBe(0)
  })

  it('refuses a second experiment of a name with words', async () => {
    const page = await ui.open('/experiments')
    await page.getByTestId('create-experiment-button').click()
    await page.getByPlaceholder('Input an experiment name').fill('churn-prediction')
    await page.getByRole('button', { name: 'Create' }).last().click()
    await see(page.getByText(/"churn-prediction" already exists/))
  })

  it('shows a deleted experiment again once it is restored', async () => {
    const restored = { experiment_id: ui.seed.others.deleted }
    const answer = await ui.context.request.post(`${ui.url}/ajax-api/2.0/mlflow/experiments/restore`, {
      data: restored,
    })
    expect(answer.status()).toBe(200)
    const page = await ui.open('/experiments')
    await page.getByPlaceholder('Search experiments').fill('abandoned')
    await page.keyboard.press('Enter')
    await seeTexts(names(page), ['abandoned'])
    await page.getByTestId('experiment-list-item-check-box').first().click()
    await page.getByRole('button', { name: 'Delete' }).click()
    await page.getByRole('dialog').getByRole('button', { name: 'Delete' }).click()
    await expect.poll(() => names(page).count()).toBe(0)
  })

  it('tags an experiment in the list', async () => {
    const page = await ui.open('/experiments')
    await page.getByPlaceholder('Search experiments').fill('team-07')
    await page.keyboard.press('Enter')
    await seeTexts(names(page), ['team-07'])
    await component(page, 'mlflow.experiment.list.tag.add').click({ force: true })
    await addTag(page, 'reviewed', 'by hand')
    await see(page.getByTestId('experiment-list-item').getByText('reviewed'))
    await ui.shot(page, 'experiment-tags')
  })

  it("edits an experiment's description", async () => {
    const page = await ui.open(`/experiments/${ui.seed.churn.experiment_id}/runs`)
    await see(page.getByRole('heading', { name: 'Churn' }))
    await page.getByTestId('experiment-metadata-editor-edit-button').click()
    await page.getByTestId('text-area').fill('# Churn\nNow with *more* words.')
    await page.getByRole('button', { name: 'Save' }).click()
    await page.getByTestId('experiment-metadata-editor-edit-button').waitFor()
    const again = await ui.open(`/experiments/${ui.seed.churn.experiment_id}/runs`)
    await component(again, 'mlflow.experiment.metadata_editor.expand_button').click()
    await see(again.getByText('Now with more words.'))
    await ui.shot(again, 'experiment-note')
  })
}

/** Fills the dialog for tags of experiments, runs and models. */
export async function addTag(page: Page, key: string, value: string): Promise<void> {
  const dialog = page.getByRole('dialog')
  await dialog.getByRole('combobox').fill(key)
  await page.keyboard.press('Enter')
  await dialog
    .getByRole('textbox', { name: /value/i })
    .or(dialog.getByPlaceholder(/value/i))
    .first()
    .fill(value)
  await page.keyboard.press('Enter')
  await dialog.getByRole('button', { name: /save/i }).click()
  await dialog.waitFor({ state: 'hidden' })
}
