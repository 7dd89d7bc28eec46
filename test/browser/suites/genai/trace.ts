// The details of a trace: its spans with what went in and out, attributes, events, errors, timeline, tokens and cost.
import { expect, it } from 'vitest'
import { component, see } from '../../ui.ts'
import { type GenaiUi, openTrace, PANE } from './seed.ts'

export function traceTests(ui: GenaiUi): void {
  const open = (name: 'details' | 'large' | 'many' | 'in_progress') =>
    openTrace(ui, ui.genai.odd, ui.genai.odd[name])

  it('shows the spans of a trace with inputs, outputs, tokens and cost', async () => {
    const page = await open('details')
    const dialog = page.getByRole('dialog')
    for (const span of ['plan_trip', 'find_pages', 'chat_model', 'book']) {
      await see(dialog.getByText(span, { exact: true }))
    }
    await see(dialog.getByText('1,002,000 tokens'))
    await see(dialog.getByText('$0.1512'))
    // Texts are read as Markdown.
    await see(dialog.locator('em', { hasText: 'Lisbon' }))
    await see(dialog.locator('strong', { hasText: 'tent' }))
    await ui.shot(page, 'trace')
  })

  it('shows documents, chat messages and calls of tools as such', async () => {
    const page = await open('details')
    await page.getByText('find_pages').first().click()
    await see(page.getByText('Page 2 about Lisbon.'))
    await see(page.getByText('doc_uri'))
    await page.getByText('chat_model').first().click()
    await see(page.getByText('System', { exact: true }))
    await see(page.getByText('Where do I sleep?'))
    await see(page.getByText('Tool calls'))
    await see(page.getByText('Tejo', { exact: true }))
    await see(page.getByText('gpt-4o-mini'))
    await ui.shot(page, 'trace-chat')
  })

  it('shows attributes, events and the error of a span', async () => {
    const page = await open('details')
    await page.getByText('chat_model').first().click()
    await page.getByRole('tab', { name: 'Attributes' }).click()
    await see(page.getByText('eu-west'))
    await page.getByRole('tab', { name: 'Events' }).click()
    await see(page.getByText('first token'))
    await see(page.getByText('after_ms'))
    await page.getByText('book', { exact: true }).first().click()
    await page.getByRole('tab', { name: 'Events' }).click()
    await see(page.getByText('exception.message'))
    await see(page.getByText('The hotel Tejo is full').first())
    await ui.shot(page, 'trace-error')
  })

  it('draws the timeline and finds text in spans', async () => {
    const page = await open('details')
    await component(page, `${PANE}.toggle-show-timeline`).click()
    await see(page.getByText(/^\d+\.00ms$/))
    await component(page, 'mlflow.evaluations_review.modal.find-button').click()
    await component(page, `${PANE}.search-input`).fill('tejo')
    await see(page.getByText(/^1 of [1-9]\d*$|^1 \/ [1-9]\d*$/))
    await ui.shot(page, 'trace-timeline')
  })

  it('shows a trace with megabytes of attributes', async () => {
    const page = await open('large')
    await see(page.getByText('The end of the large book.'))
    await see(page.getByText(/All work and no play\./))
    await page.getByRole('tab', { name: 'Attributes' }).click()
    await see(page.getByText('chapters', { exact: true }))
    await ui.shot(page, 'trace-large')
  })

  it('shows a trace of three hundred spans', async () => {
    const page = await open('many')
    await page.getByText('step-000').hover()
    const last = page.getByText('step-298')
    // Only the spans in sight are drawn.
    await expect.poll(() => page.mouse.wheel(0, 20_000).then(() => last.count()), { timeout: 30_000 }).toBe(1)
    await last.click()
    await see(page.getByText('88804'))
    await ui.shot(page, 'trace-many')
  })

  it('shows what has ended of a trace in progress', async () => {
    const page = await open('in_progress')
    await see(page.getByText('In progress'))
    await page.getByText('first_thought').first().click()
    await see(page.getByText('small', { exact: true }))
    await ui.shot(page, 'trace-in-progress')
    expect(await page.getByText('Failed to load trace').count()).toBe(0)
  })
}
