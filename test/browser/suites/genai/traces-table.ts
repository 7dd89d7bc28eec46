// The table of traces: columns, filters, sorting, pages, tags and deletion.
import type { Page } from 'playwright-core'
import { expect, it } from 'vitest'
import { component, QUIET_MS, see, untilQuiet } from '../../ui.ts'
import { COLUMNS, type GenaiUi, openTab } from './seed.ts'

/** A part of a clause, and the option to choose or the text to fill in. */
type Pick = [part: string, choice: string]

const WAIT = { timeout: 30_000 }

export function tracesTableTests(ui: GenaiUi): void {
  const open = () => openTab(ui, ui.genai.agent, 'traces')
  const numbers = async (page: Page) => {
    const texts = await page.getByText(/Question \d+:/).allInnerTexts()
    return texts.map((text) => Number(/Question (\d+)/.exec(text)?.[1]))
  }
  const seeNumbers = (page: Page, wanted: number[]) => expect.poll(() => numbers(page), WAIT).toEqual(wanted)
  const range = (first: number, count: number) => Array.from({ length: count }, (_, index) => first + index)

  /** Sets the first clause of the filter. */
  async function filterBy(page: Page, picks: Pick[]): Promise<void> {
    await component(page, `${COLUMNS}.filter.trigger`).click()
    for (const [part, choice] of picks) {
      const field = component(page, `${COLUMNS}.filter.${part}`).first()
      if (part === 'key' || part === 'value') await field.fill(choice)
      else {
        await field.click()
        await page.getByRole('option', { name: choice, exact: true }).click()
      }
    }
    await component(page, `${COLUMNS}.filter.apply`).click()
  }

  it('shows times, states, sessions, tokens, tags and assessments, page by page', async () => {
    const page = await open()
    await see(page.getByText('25 of 60'))
    await seeNumbers(page, range(0, 25))
    for (const header of ['Session', 'Duration', 'State', 'Tokens', 'Tags', 'helpful', 'score', 'tone']) {
      await see(page.getByRole('columnheader', { name: header }))
    }
    await see(page.getByText('session-0'))
    await ui.shot(page, 'traces')
    await component(page, `${COLUMNS}.pagination.next`).click()
    await seeNumbers(page, range(25, 25))
    await component(page, `${COLUMNS}.pagination.next`).click()
    await seeNumbers(page, range(50, 10))
    await see(page.getByText('10 of 60'))
    await component(page, `${COLUMNS}.page-size`).click()
    await page.getByRole('option', { name: '100' }).click()
    await seeNumbers(page, range(0, 60))
  })

  it('sorts by time, hides a column and shows another', async () => {
    const page = await open()
    await page.getByRole('button', { name: 'Column options for tone' }).click()
    await component(page, `${COLUMNS}.header-menu.hide-column`).click()
    await expect.poll(() => page.getByRole('columnheader', { name: 'tone' }).count(), WAIT).toBe(0)
    await component(page, 'mlflow.traces-v4.display.trigger').click()
    await page.getByRole('menuitem', { name: 'Columns' }).click()
    await component(page, 'mlflow.traces-v4.column-selector.item.cost').click()
    await see(page.getByRole('columnheader', { name: 'Cost' }))
    await page.keyboard.press('Escape')
    await component(page, `${COLUMNS}.header-menu.trigger`).first().click()
    await component(page, `${COLUMNS}.header-menu.sort-ascending`).click()
    await seeNumbers(page, range(35, 25).reverse())
  })

  it('finds traces by state, name, duration, tag and feedback', async () => {
    const filters: [picks: Pick[], found: number[]][] = [
      [[['value-select', 'Error']], [9, 19, 29, 39, 49, 59]],
      [
        [
          ['field', 'Trace name'],
          ['value', 'no such agent'],
        ],
        [],
      ],
      [
        [
          ['field', 'Duration'],
          ['operator', '<'],
          ['value', '1003'],
        ],
        [0, 1, 2],
      ],
      [
        [
          ['field', 'Tag'],
          ['key', 'team'],
          ['value', 'blue'],
        ],
        range(0, 20).map((number) => number * 3),
      ],
      [
        [
          ['field', 'Feedback'],
          ['key-combobox', 'tone'],
          ['value', 'friendly'],
        ],
        [1],
      ],
    ]
    for (const [picks, found] of filters) {
      const page = await open()
      await filterBy(page, picks)
      await seeNumbers(page, found)
      await ui.shot(page, `traces-by-${picks[0]?.[1]}`)
      await page.close()
    }
  })

  it('finds traces by a text and by a tag that is clicked', async () => {
    const page = await open()
    await page.getByPlaceholder('Search traces by id, input, or output').fill('Question 042')
    await page.keyboard.press('Enter')
    await seeNumbers(page, [42])
    const tagged = await open()
    await tagged.getByRole('button', { name: 'Filter by tag team: red' }).first().click()
    await seeNumbers(
      tagged,
      range(0, 60)
        .filter((number) => number % 3)
        .slice(0, 25),
    )
  })

  it('groups the traces of a session', async () => {
    const page = await open()
    await component(page, 'mlflow.traces-v4.group-by-session').click()
    for (const number of [0, 1, 2]) await see(page.getByText(`session-${number}`))
    await ui.shot(page, 'traces-sessions')
  })

  it('changes the tags of a trace, and deletes it', async () => {
    const page = await openTab(ui, ui.genai.odd, 'traces')
    // Tags that do not fit into their column are not shown.
    await page.setViewportSize({ width: 2400, height: 900 })
    const row = page.getByLabel(`Select trace ${ui.genai.odd.large}`)
    const choose = async (action: string) => {
      await row.check({ force: true })
      await component(page, 'mlflow.traces-v4.actions.trigger').click()
      await component(page, `mlflow.traces-v4.actions.${action}`).click()
    }
    await choose('edit-tags')
    const dialog = page.getByRole('dialog')
    await dialog.getByRole('combobox').fill('shelf')
    await page.keyboard.press('Enter')
    await dialog.getByPlaceholder('Type a value').fill('top')
    await dialog.getByRole('button', { name: 'Add tag' }).click()
    await dialog.getByRole('button', { name: 'Save tags' }).click()
    // Copies that the table measures are hidden.
    await see(page.getByText('shelf: top').filter({ visible: true }))
    await ui.shot(page, 'traces-tagged')
    // The table loads again what was changed, and forgets a dialog that is open then.
    await untilQuiet(page, QUIET_MS)
    await choose('delete')
    const deleted = page.waitForResponse((answer) => answer.url().endsWith('/traces/delete-traces'))
    await page
      .getByRole('dialog')
      .getByRole('button', { name: /^Delete/ })
      .click()
    expect((await deleted).status()).toBe(200)
    await expect.poll(() => row.count(), WAIT).toBe(0)
    const again = await openTab(ui, ui.genai.odd, 'traces')
    await see(again.getByText('3 of 3'))
  })
}
