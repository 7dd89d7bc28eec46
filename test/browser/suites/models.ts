// Logged models and the model registry: versions, aliases, tags, stages, descriptions.
import type { Page } from 'playwright-core'
import { expect, it } from 'vitest'
import { component, see, type Ui } from '../ui.ts'
import { addTag } from './experiments.ts'

const ADD_ALIAS =
  'codegen_mlflow_app_src_model-registry_components_aliases_modelversiontablealiasescell.tsx_30'
const NEW_UI = 'codegen_mlflow_app_src_model-registry_components_modelsnextuitoggleswitch.tsx_39'

const fact = (page: Page, label: string) => page.getByTestId('descriptions-item').filter({ hasText: label })

export function loggedModelTests(ui: Ui): void {
  it('lists the models that runs have logged, with metrics and status', async () => {
    const page = await ui.open(`/experiments/${ui.seed.models.experiment_id}/models`)
    await see(page.getByRole('link', { name: 'external-model' }))
    expect(await page.getByRole('link', { name: 'churn-model', exact: true }).count()).toBe(2)
    await see(page.getByText('Failed'))
    await see(page.getByText('Ready'))
    await see(page.getByText('threshold-20'))
    await ui.shot(page, 'logged-models')
  })

  it('shows a logged model with its metrics on a dataset', async () => {
    const { experiment_id, models } = ui.seed.models
    const page = await ui.open(`/experiments/${experiment_id}/models/${models[0]}`)
    await see(page.getByTestId('key-value-Status').filter({ hasText: 'Ready' }))
    await see(page.getByTestId('key-value-Source run').filter({ hasText: 'threshold-10' }))
    const metrics = page.getByTestId('logged-model-details-metrics-table')
    await see(metrics.getByText('auc'))
    await see(metrics.getByText('0.7', { exact: true }))
    await see(metrics.getByText(/holdout/))
    await see(page.getByRole('link', { name: 'churn', exact: true }))
    await ui.shot(page, 'logged-model')
    await page.getByText('Artifacts', { exact: true }).click()
    await see(page.getByTestId('artifact-tree-node').filter({ hasText: 'MLmodel' }))
    await ui.shot(page, 'logged-model-artifacts')
  })

  it('describes a logged model', async () => {
    const { experiment_id, models } = ui.seed.models
    const page = await ui.open(`/experiments/${experiment_id}/models/${models[1]}`)
    await page.getByRole('button', { name: 'Edit description' }).click()
    await page.getByTestId('text-area').fill('Good *enough*.')
    await page.getByRole('button', { name: 'Save' }).click()
    await see(page.getByText('Good enough.'))
  })
}

export function registryTests(ui: Ui): void {
  it('lists registered models page by page and finds them', async () => {
    const page = await ui.open('/models')
    await see(page.getByTestId('model-list-table').getByText('team: growth'))
    await see(page.getByTestId('model-list-table').getByText('Version 4'))
    await ui.shot(page, 'models')
    await page.getByRole('button', { name: 'Next' }).click()
    await see(page.getByRole('link', { name: 'model-29' }))
    const found = await ui.open('/models')
    await found.getByTestId('model-search-input').fill('model-1')
    await found.keyboard.press('Enter')
    await expect.poll(() => found.getByRole('link', { name: /^model-\d\d$/ }).count()).toBe(10)
    await found.getByTestId('model-search-input').fill("tags.team = 'growth'")
    await found.keyboard.press('Enter')
    await expect.poll(() => found.getByRole('link', { name: /^model-\d\d$/ }).count()).toBe(0)
    await see(found.getByRole('link', { name: 'churn' }))
  })

  it('shows the versions of a model with aliases and tags', async () => {
    const page = await ui.open('/models/churn')
    await see(page.getByRole('heading', { name: 'Churn model' }))
    const row = (version: number) => page.getByRole('row').filter({ hasText: `Version ${version}` })
    await see(row(3).getByText('@ champion'))
    await see(row(4).getByText('@ challenger'))
    await see(row(2).getByText('number'))
    await ui.shot(page, 'model')
  })

  it('gives a version an alias', async () => {
    const page = await ui.open('/models/churn')
    const row = page.getByRole('row').filter({ hasText: 'Version 1' })
    await component(row, ADD_ALIAS).click()
    const dialog = page.getByRole('dialog')
    await dialog.getByRole('combobox').fill('veteran')
    await page.keyboard.press('Enter')
    await dialog.getByRole('button', { name: /save/i }).click()
    await dialog.waitFor({ state: 'hidden' })
    const again = await ui.open('/models/churn')
    await see(again.getByRole('row').filter({ hasText: 'Version 1' }).getByText('@ veteran'))
    await ui.shot(again, 'model-alias')
  })

  it('adds, changes and deletes tags of a model', async () => {
    const page = await ui.open('/models/model-03')
    const table = page.getByTestId('editable-table')
    const heading = page.getByText('Tags', { exact: true }).first()
    await heading.waitFor()
    if (!(await table.isVisible())) await heading.click()
    await see(table.getByText('odd'))
    await page.getByTestId('tags-form-input-name').fill('reviewer')
    await page.getByTestId('tags-form-input-value').fill('ada')
    await page.getByTestId('add-tag-button').click()
    await see(table.getByText('ada'))
    await page.getByTestId('editable-table-button-delete').first().click()
    await page
      .getByRole('dialog')
      .getByRole('button', { name: /confirm|delete|ok/i })
      .first()
      .click()
    await expect.poll(() => table.getByText('odd').count()).toBe(0)
    const again = await ui.open('/models/model-03')
    await see(again.getByText('reviewer'))
  })

  it('shows a version with its stage, source and schema', async () => {
    const page = await ui.open('/models/churn/versions/3')
    await see(fact(page, 'Stage').filter({ hasText: 'Staging' }))
    await see(fact(page, 'Source Run').filter({ hasText: 'threshold-10' }))
    await see(fact(page, 'Aliases').filter({ hasText: '@ champion' }))
    await see(page.getByText('Inputs (2)'))
    await page.getByText('Inputs (2)').click()
    await see(page.getByText('monthly_charges'))
    await ui.shot(page, 'model-version')
  })

  it('moves a version to another stage', async () => {
    const page = await ui.open('/models/churn/versions/1')
    await component(page, NEW_UI).click()
    await page.getByRole('dialog').getByRole('button', { name: 'Disable' }).click()
    await page.getByRole('dialog').waitFor({ state: 'hidden' })
    await page.getByText('None', { exact: true }).click()
    await page.getByRole('menuitem').filter({ hasText: 'Archived' }).first().click()
    await page
      .getByRole('dialog')
      .getByRole('button', { name: /OK|Confirm/ })
      .click()
    await see(page.getByText('Archived', { exact: true }))
    await ui.shot(page, 'model-stage')
  })

  it("edits a model's and a version's description", async () => {
    for (const path of ['/models/model-05', '/models/churn/versions/2']) {
      const page = await ui.open(path)
      await page.getByTestId('descriptionEditButton').click()
      await page.getByTestId('text-area').fill('Described *by hand*.')
      await page.getByRole('button', { name: 'Save' }).click()
      await see(page.getByText('Described by hand.'))
    }
  })

  it('creates a model and deletes it', async () => {
    const page = await ui.open('/models')
    await page.getByTestId('create-model-button').click()
    const dialog = page.getByRole('dialog')
    await dialog.getByRole('textbox').first().fill('made-in-the-browser')
    await dialog.getByRole('button', { name: 'Create' }).click()
    await see(page.getByRole('heading', { name: 'made-in-the-browser' }))
    await page.getByTestId('overflow-menu-trigger').click()
    await page.getByRole('menuitem', { name: 'Delete' }).click()
    await page.getByRole('dialog').getByRole('button', { name: 'Delete' }).click()
    await see(page.getByTestId('model-list-table'))
    const found = await ui.open('/models/made-in-the-browser')
    await see(found.getByText(/not found|does not exist|Not Found/i))
  })

  it('registers the model of a run as a new version', async () => {
    const { experiment_id, models } = ui.seed.models
    const page = await ui.open(`/experiments/${experiment_id}/models/${models[1]}`)
    await page.getByRole('button', { name: 'Register model' }).click()
    const dialog = page.getByRole('dialog')
    await dialog.getByRole('combobox').first().click()
    await page.getByText('model-02', { exact: true }).last().click()
    await dialog.getByRole('button', { name: 'Register' }).click()
    await dialog.waitFor({ state: 'hidden' })
    const model = await ui.open('/models/model-02')
    await see(model.getByText('Version 1'))
  })

  it('compares two versions', async () => {
    const page = await ui.open('/models/churn')
    for (const version of [1, 2]) {
      await page
        .getByRole('row')
        .filter({ hasText: `Version ${version}` })
        .getByRole('checkbox')
        .click()
    }
    await page.getByTestId('compareButton').click()
    await see(page.getByText('Comparing 2 Versions'))
    await see(page.getByText('threshold-20'))
    await ui.shot(page, 'model-compare')
  })

  it('tags a version in the table', async () => {
    const page = await ui.open('/models/churn')
    const row = page.getByRole('row').filter({ hasText: 'Version 2' })
    await component(row, 'codegen_mlflow_app_src_common_components_keyvaluetagseditorcell.tsx_37').click()
    await addTag(page, 'checked', 'yes')
    const again = await ui.open('/models/churn')
    await see(again.getByRole('row').filter({ hasText: 'Version 2' }).getByText('checked'))
  })
}
