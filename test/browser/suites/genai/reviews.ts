// A queue of reviews worked through by a person, and the questions that are asked in it.
import { expect, it } from 'vitest'
import { component, QUIET_MS, see, untilQuiet } from '../../ui.ts'
import { type GenaiUi, openTab, openTrace } from './seed.ts'

const REVIEW = 'mlflow.experiment-review-queue'
const QUESTION = `${REVIEW}.focused-review.question`

export function reviewTests(ui: GenaiUi): void {
  const open = () => openTab(ui, ui.genai.reviews, 'review-queue')

  it('keeps the answers of a review', async () => {
    const page = await open()
    await page.getByText('Sums', { exact: true }).click()
    await see(page.getByText('Needs review (3)'))
    await page.getByText('What is 2 + 1?').first().click()
    await see(page.getByText('0 of 3 reviewed (0%)'))
    await component(page, `${QUESTION}.text`).fill('Three.')
    await component(page, `${QUESTION}.numeric`).fill('4')
    await component(page, `${QUESTION}.categorical`).click()
    await page.getByRole('option', { name: 'glad' }).click()
    await page.getByText('Right', { exact: true }).click()
    await component(page, `${REVIEW}.focused-review.rationale`).fill('I counted.')
    await ui.shot(page, 'review')
    await component(page, `${REVIEW}.focused-review.complete`).click()
    await see(page.getByText('1 of 3 reviewed (33%)'))
    await component(page, `${REVIEW}.focused-review.back`).click()
    await see(page.getByText('Completed (1)'))
    await ui.shot(page, 'review-done')
    const trace = await openTrace(ui, ui.genai.reviews, ui.genai.reviews.traces[2] ?? '')
    await trace.getByRole('button', { name: 'Assess' }).click()
    for (const text of ['stars', 'mood', 'right', 'glad', 'Three.'])
      await see(trace.getByText(text, { exact: true }))
    await ui.shot(trace, 'review-assessments')
  })

  it('creates, changes and deletes a question', async () => {
    const page = await open()
    await component(page, `${REVIEW}.sidebar.manage-questions`).click()
    await component(page, `${REVIEW}.manage-questions.add`).click()
    await page.getByPlaceholder('Is the answer correct?').fill('clear')
    await page.getByRole('button', { name: 'Create', exact: true }).click()
    const question = page.getByRole('dialog').getByText('clear', { exact: true })
    await see(question)
    await question.click()
    await component(page, 'mlflow.experiment-label-schemas.form.instruction').fill('Could a child read it?')
    await page.getByRole('button', { name: 'Save', exact: true }).click()
    await see(component(page, `${REVIEW}.manage-questions.add`))
    await question.click()
    await expect
      .poll(() => component(page, 'mlflow.experiment-label-schemas.form.instruction').inputValue())
      .toBe('Could a child read it?')
    await ui.shot(page, 'question')
    await page.getByRole('button', { name: 'Cancel', exact: true }).click()
    // What was changed is loaded again, and a dialog that is open then is forgotten.
    await untilQuiet(page, QUIET_MS)
    const rows = page
      .getByRole('dialog')
      .locator('div')
      .filter({ has: page.getByText('clear', { exact: true }) })
    await rows
      .filter({ has: component(page, `${REVIEW}.manage-questions.delete`) })
      .last()
      .getByLabel('Delete question')
      .click()
    await page.getByRole('dialog').getByRole('button', { name: 'Delete', exact: true }).click()
    await expect.poll(() => question.count(), { timeout: 30_000 }).toBe(0)
  })
}
