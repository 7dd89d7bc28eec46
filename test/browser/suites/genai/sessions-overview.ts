// A chat session turn by turn, and the charts of the overview over time.
import { expect, it } from 'vitest'
import { component, see } from '../../ui.ts'
import { type GenaiUi, openTab } from './seed.ts'

export function sessionTests(ui: GenaiUi): void {
  const open = (tab: string) => openTab(ui, ui.genai.agent, tab)

  it('leads from the page of sessions to the traces', async () => {
    const page = await open('chat-sessions')
    await page.getByText('View Sessions in Traces tab').click()
    await see(page.getByText('session-1'))
  })

  it('shows the turns of a session, oldest first, with what was said of them', async () => {
    const page = await open('chat-sessions/session-1')
    for (const turn of [1, 2, 3, 4]) await see(page.getByText(`Turn ${turn}`, { exact: true }))
    const questions = await page.getByText(/^Question \d+:/).allInnerTexts()
    expect(questions.map((text) => text.slice(0, 12))).toEqual(
      [7, 6, 5, 4].map((number) => `Question 00${number}`),
    )
    await see(page.getByText('It is 17 degrees in Hanoi.'))
    await see(page.getByText('helpful'))
    await ui.shot(page, 'session')
  })

  it('counts traces, errors, tokens and cost', async () => {
    const page = await open('overview/usage')
    await see(page.getByText('60', { exact: true }))
    await see(page.getByText('(Overall error rate: 10.0%)'))
    await see(page.getByText('Token Usage'))
    await expect.poll(() => page.locator('.recharts-bar-rectangle').count()).toBeGreaterThan(0)
    await ui.shot(page, 'usage')
  })

  it('counts those of the last hour when asked to', async () => {
    const page = await open('overview/usage')
    await see(page.getByText('60', { exact: true }))
    await component(page, 'mlflow.experiment-evaluation-monitoring.date-selector-button').click()
    await page.getByText('Last hour', { exact: true }).click()
    await expect.poll(() => page.getByText('60', { exact: true }).count(), { timeout: 30_000 }).toBe(0)
    await see(page.getByText('(Overall error rate: 0.0%)'))
    await ui.shot(page, 'usage-hour')
  })

  it('draws what assessments say', async () => {
    const page = await open('overview/quality')
    for (const name of ['helpful', 'score', 'safe', 'tone']) await see(page.getByText(name, { exact: true }))
    await see(page.getByText('2.50'))
    await ui.shot(page, 'quality')
  })

  it('counts calls of tools and failed ones', async () => {
    const page = await open('overview/tool-calls')
    await see(page.getByText('get_weather'))
    await see(page.getByText('90.00%'))
    await see(page.getByText('190.00ms'))
    await ui.shot(page, 'tool-calls')
  })
}
