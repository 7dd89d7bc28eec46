// The pane of assessments: feedback of each type, expectations, changes with their history, errors, deletion.
import type { Page } from 'playwright-core'
import { expect, it } from 'vitest'
import { component, QUIET_MS, see, untilQuiet } from '../../ui.ts'
import { type GenaiUi, openTrace, PANE } from './seed.ts'

type Type = 'Boolean' | 'Number' | 'String'

export function assessmentTests(ui: GenaiUi): void {
  /** The pane of the trace with that number. */
  async function openPane(number: number): Promise<Page> {
    const page = await openTrace(ui, ui.genai.agent, ui.genai.agent.traces[number] ?? '')
    await page.getByRole('button', { name: 'Assess' }).click()
    await see(component(page, `${PANE}.assessment-notes-input`))
    return page
  }

  async function fill(page: Page, name: string, type: Type, value: string): Promise<void> {
    await component(page, `${PANE}.assessment-name-typeahead.input`).fill(name)
    await page.keyboard.press('Enter')
    if (type !== 'Boolean') {
      await component(page, `${PANE}.assessment-data-type-select`).click()
      await page.getByRole('option', { name: type, exact: true }).click()
    }
    if (type === 'Boolean') await page.getByText(value, { exact: true }).last().click()
    else await component(page, `${PANE}.assessment-value-${type.toLowerCase()}-input`).fill(value)
  }

  const create = (page: Page) =>
    component(page, `${PANE}.assessment-create-button`).getByText('Create').click()

  async function addFeedback(page: Page, name: string, type: Type, value: string): Promise<void> {
    await component(page, `${PANE}.add-feedback`).first().click()
    await page.getByText('Human feedback').click()
    await fill(page, name, type, value)
    await component(page, `${PANE}.assessment-rationale-input`).fill(`Why ${name} is so.`)
    await create(page)
    await see(page.getByText(name, { exact: true }))
  }

  it('shows feedback and expectations with their sources', async () => {
    const page = await openPane(1)
    await see(page.getByText('Feedback (3)'))
    await see(page.getByText('friendly'))
    await see(page.getByText('1.5', { exact: true }))
    await see(page.getByText('Expectations (1)'))
    await see(page.getByText('Between 5 and 15 degrees.'))
    await see(page.getByText('ada', { exact: true }))
    await ui.shot(page, 'assessments')
  })

  it('takes feedback that is true or false, a number, and a text', async () => {
    const page = await openPane(20)
    await addFeedback(page, 'kind', 'Boolean', 'False')
    await addFeedback(page, 'grade', 'Number', '4.5')
    await addFeedback(page, 'opinion', 'String', 'too dry')
    await see(page.getByText('Feedback (3)'))
    await ui.shot(page, 'feedback')
    const again = await openPane(20)
    await see(again.getByText('Feedback (3)'))
    for (const value of ['False', '4.5', 'too dry']) await see(again.getByText(value, { exact: true }))
  })

  it('takes an expectation', async () => {
    const page = await openPane(21)
    await component(page, `${PANE}.add-expectation`).click()
    await fill(page, 'fact', 'String', 'It rains.')
    await create(page)
    await see(page.getByText('Expectations (1)'))
    await see(page.getByText('It rains.'))
    await ui.shot(page, 'expectation')
  })

  it('changes feedback, and deletes it', async () => {
    const page = await openPane(22)
    await addFeedback(page, 'kind', 'Boolean', 'True')
    const expand = () => component(page, `${PANE}.toggle-assessment-expanded`).last().click()
    await expand()
    await see(page.getByText('Why kind is so.'))
    const choose = async (action: string) => {
      await component(page, `${PANE}.assessment-more-button`).first().click()
      await page.getByRole('menuitem', { name: action }).click()
    }
    await choose('Edit')
    await component(page, `${PANE}.assessment-edit-value-boolean-input`).getByText('False').click()
    await component(page, `${PANE}.assessment-edit-save-button`).click()
    await see(page.getByRole('dialog').getByText('False', { exact: true }))
    await ui.shot(page, 'feedback-edited')
    // What was changed is loaded again, and a dialog that is open then is forgotten.
    await untilQuiet(page, QUIET_MS)
    await expand()
    await choose('Delete')
    await page.getByRole('dialog').getByRole('button', { name: 'Delete' }).last().click()
    // The table behind the pane may go on with a column of that name until it is loaded again.
    const named = page.getByRole('dialog').getByText('kind', { exact: true })
    await expect.poll(() => named.count(), { timeout: 30_000 }).toBe(0)
  })

  it('shows why a judge gave no verdict', async () => {
    const page = await openPane(2)
    await see(page.getByText('safe', { exact: true }))
    await component(page, `${PANE}.toggle-assessment-expanded`).first().click()
    await see(page.getByText(/The judge gave no verdict/))
    await ui.shot(page, 'assessment-error')
  })

  it('shows what a judge said before a person overruled it', async () => {
    const page = await openPane(4)
    await see(page.getByText('verdict', { exact: true }))
    await component(page, `${PANE}.toggle-assessment-expanded`).first().click()
    await see(page.getByText('I have been there.'))
    await page.getByText('(edited)').click()
    const history = page.getByRole('dialog').filter({ hasText: 'Edit history' })
    await see(history.getByText('right', { exact: true }))
    await see(history.getByText('wrong', { exact: true }))
    await ui.shot(page, 'assessment-history')
  })
}
