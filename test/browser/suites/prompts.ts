// Prompts: list, versions, aliases, a new version.
import { expect, it } from 'vitest'
import { see, type Ui } from '../ui.ts'

export function promptTests(ui: Ui): void {
  it('lists prompts and finds them by name', async () => {
    const page = await ui.open('/prompts')
    await see(page.getByRole('link', { name: 'summary' }))
    await see(page.getByRole('link', { name: 'assistant' }))
    await ui.shot(page, 'prompts')
    await page.getByPlaceholder('Search prompts by name').fill('summ')
    await expect.poll(() => page.getByRole('link', { name: 'assistant' }).count()).toBe(0)
    await see(page.getByRole('link', { name: 'summary' }))
  })

  it('shows the versions of a prompt', async () => {
    const page = await ui.open('/prompts/summary')
    await see(page.getByText('In {{ count }} sentences: {{ text }}'))
    await see(page.getByText('production'))
    await see(page.getByText('Seeded change 3'))
    await ui.shot(page, 'prompt')
    await page.getByText('Compare', { exact: true }).first().click()
    await see(page.getByText('Comparing version'))
    await ui.shot(page, 'prompt-compare')
  })

  it('writes a new version of a prompt', async () => {
    const page = await ui.open('/prompts/assistant')
    await see(page.getByText('You are {{ mood }}.'))
    await page.getByRole('button', { name: 'Create prompt version' }).click()
    const dialog = page.getByRole('dialog')
    await dialog.getByRole('textbox').first().fill('You are very {{ mood }}.')
    await dialog.getByRole('button', { name: 'Create' }).click()
    await dialog.waitFor({ state: 'hidden' })
    await see(page.getByText('Version 2'))
    await see(page.getByText('You are very {{ mood }}.'))
  })

  it('creates a prompt', async () => {
    const page = await ui.open('/prompts')
    await page.getByTestId('create-prompt-button').click()
    const dialog = page.getByRole('dialog')
    await dialog.getByRole('textbox').nth(0).fill('greeting')
    await dialog.getByRole('textbox').nth(1).fill('Hello {{ name }}')
    await dialog.getByRole('button', { name: 'Create' }).click()
    await dialog.waitFor({ state: 'hidden' })
    await see(page.getByText('Hello {{ name }}'))
    await ui.shot(page, 'prompt-created')
  })
}
