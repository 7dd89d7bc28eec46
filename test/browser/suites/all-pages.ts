// Pages that no other suite opens, in both menus: each must show itself whether or not its area is built.
import { expect, it } from 'vitest'
import { openForAgents, QUIET_MS, see, type Ui, untilQuiet } from '../ui.ts'

/** What the UI shows in place of a page that failed. */
const BROKEN = /Something went wrong|An error occurred while rendering|Error while loading|Page Not Found/i

const EXPERIMENT_TABS = {
  'overview/usage': 'Overview',
  traces: 'Traces',
  'chat-sessions': 'Sessions',
  judges: 'Judges',
  'review-queue': 'Review',
  datasets: 'Datasets',
  'evaluation-runs': 'Evaluation runs',
  playground: 'Playground',
  prompts: 'Prompts',
}

const PAGES = { settings: 'Settings', 'mcp-registry': 'MCP' }

const GATEWAY_PAGES = {
  gateway: 'AI Gateway',
  'gateway/usage': 'Usage',
  'gateway/budgets': 'Budgets',
  'gateway/api-keys': 'API',
}

export function allPagesTests(ui: Ui): void {
  it('greets with recent experiments', async () => {
    const page = await ui.open('/')
    await see(page.getByText('Welcome to MLflow'))
    await see(page.getByRole('link', { name: 'model-training' }))
    await ui.shot(page, 'home')
  })

  for (const [path, title] of Object.entries(PAGES)) {
    it(`shows the page /${path}`, async () => {
      const page = await openForAgents(ui, `/${path}`)
      await see(page.getByText(title))
      await untilQuiet(page, QUIET_MS)
      await ui.shot(page, `page-${path.replace('/', '-')}`)
      expect(await page.getByText(BROKEN).allInnerTexts()).toEqual([])
    })
  }

  for (const [path, title] of Object.entries(GATEWAY_PAGES)) {
    it(`shows the page /${path} where the server has a gateway`, async () => {
      const info = await ui.context.request.get(`${ui.url}/ajax-api/3.0/mlflow/server-info`)
      const { gateway } = (await info.json()).features_enabled
      const page = await openForAgents(ui, `/${path}`)
      await see(page.getByText(gateway ? title : 'Page Not Found'))
      await ui.shot(page, `page-${path.replace('/', '-')}`)
    })
  }

  for (const [tab, title] of Object.entries(EXPERIMENT_TABS)) {
    it(`shows the ${tab} of an experiment`, async () => {
      const page = await openForAgents(ui, `/experiments/${ui.seed.churn.experiment_id}/${tab}`)
      await see(page.getByText(title, { exact: true }))
      await see(page.getByText('churn-prediction'))
      await untilQuiet(page, QUIET_MS)
      await ui.shot(page, `experiment-${tab.replace('/', '-')}`)
      expect(await page.getByText(BROKEN).allInnerTexts()).toEqual([])
    })
  }

  it('says that there is no such run, model and page', async () => {
    const run = await ui.open(`/experiments/${ui.seed.churn.experiment_id}/runs/${'0'.repeat(32)}`)
    await see(run.getByText(/not found|does not exist|isn't found/i))
    const model = await ui.open('/models/no-such-model')
    await see(model.getByText(/not found|does not exist/i))
    await ui.shot(model, 'no-such-model')
  })

  it('asks no other server than its own, but for films and pictures of the documentation', () => {
    expect(ui.log.foreign().filter((url) => !url.startsWith('https://mlflow.org/docs/'))).toEqual([])
  })
}
