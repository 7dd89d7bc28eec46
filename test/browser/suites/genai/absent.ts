// Pages of what this server does not have: each says so in words, or offers what can be done. Stock has the gateway of some.
import { expect, it } from 'vitest'
import { openForAgents, QUIET_MS, see, untilQuiet } from '../../ui.ts'
import { type GenaiUi, openTab, openTrace } from './seed.ts'

const BARE = /Something went wrong|An error occurred|Error while|INTERNAL_ERROR|NOT_IMPLEMENTED|undefined/i

/** What a newcomer reads on each page. */
const PAGES = {
  playground: 'Select an endpoint',
  prompts: 'Create your first prompt',
  'chat-sessions': 'The Sessions view has moved to the Traces tab.',
}

export function absentTests(ui: GenaiUi): void {
  const hasGateway = async () => {
    const info = await ui.context.request.get(`${ui.url}/ajax-api/3.0/mlflow/server-info`)
    return (await info.json()).features_enabled.gateway as boolean
  }

  for (const [tab, text] of Object.entries(PAGES)) {
    it(`says what there is on the page ${tab} of an experiment`, async () => {
      const page = await openTab(ui, ui.genai.odd, tab)
      await see(page.getByText(text))
      await untilQuiet(page, QUIET_MS)
      await ui.shot(page, `absent-${tab}`)
      expect(await page.getByText(BARE).allInnerTexts()).toEqual([])
    })
  }

  it('shows an empty registry of MCP servers', async () => {
    const page = await openForAgents(ui, '/mcp-registry')
    await see(page.getByText('Register and catalog MCP servers for your organization.'))
    expect(await page.getByText(BARE).allInnerTexts()).toEqual([])
  })

  it('leaves pages of the gateway out of its menus unless the server has one', async () => {
    const page = await openForAgents(ui, '/')
    await see(page.getByText('MCP registry'))
    const links = await page.getByRole('link', { name: 'AI Gateway' }).count()
    expect(links > 0).toBe(await hasGateway())
  })

  it('shows judges where the server has a gateway, and else how to create them', async () => {
    const page = await openTab(ui, ui.genai.agent, 'judges')
    if (await hasGateway()) for (const judge of ['polite', 'brief']) await see(page.getByText(judge))
    else await see(page.getByText('Create and manage judges'))
    await untilQuiet(page, QUIET_MS)
    await ui.shot(page, 'absent-judges')
    expect(await page.getByText(BARE).allInnerTexts()).toEqual([])
  })

  // Stock's starts to work, and says that it has no model.
  it.skipIf(process.env.RECORD_UI)('introduces the assistant where a trace offers it', async () => {
    const page = await openTrace(ui, ui.genai.odd, ui.genai.odd.details)
    await page.getByText('Analyze trace').click()
    await see(page.getByText('Welcome to MLflow Assistant'))
    await ui.shot(page, 'absent-assistant')
  })
}
