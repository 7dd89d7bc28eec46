// The console in a Chromium: a person makes a policy, previews, runs, changes and deletes it; ladders; the overview; all pages as axe sees them.
/// <reference lib="dom" />
import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import type { RunOptions } from 'axe-core'
import type { Page } from 'playwright-core'
import { expect, it } from 'vitest'
import type { Overview } from '../../console/src/api.ts'
import { describeEachEngine, type EngineTarget } from '../support/engines.ts'
import { DAY_MS, retentionOf } from '../support/retention.ts'
import { startServer, type TestServer } from '../support/server.ts'
import { missing } from '../support/services.ts'
import { see, useUi } from './ui.ts'

const V2 = '/api/2.0/mlflow'
const OLD_POINTS = 300
const AXE = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8')

/** A server with a run of today, whose metric has points of long ago, too. */
async function startWithRun(target: EngineTarget): Promise<TestServer> {
  // Of one engine it lies below a path, as behind a proxy that many services share.
  const args = target.name === 'CrateDB' ? ['--static-prefix', '/team/data'] : []
  const server = await startServer({ backendStoreUri: target.uri, args })
  const post = async <T>(path: string, body: object) =>
    (await server.request('POST', `${V2}/${path}`, body)).body as T
  const { experiment_id } = await post<{ experiment_id: string }>('experiments/create', { name: 'sweeps' })
  const { run } = await post<{ run: { info: { run_id: string } } }>('runs/create', {
    experiment_id,
    start_time: Date.now(),
  })
  const metrics = Array.from({ length: OLD_POINTS + 1 }, (_, step) => ({
    key: 'loss',
    value: 1 / (step + 1),
    step,
    timestamp: Date.now() - (step < OLD_POINTS ? 40 * DAY_MS - step * 1000 : 0),
  }))
  await post('runs/log-batch', { run_id: run.info.run_id, metrics })
  return server
}

/** What axe finds on the page in light and dark, by rule and place. */
async function violationsOf(page: Page): Promise<string[]> {
  await page.evaluate(AXE)
  const found: string[] = []
  for (const colorScheme of ['light', 'dark'] as const) {
    await page.emulateMedia({ colorScheme, reducedMotion: 'reduce' })
    const options: RunOptions = { resultTypes: ['violations'] }
    const violations = await page.evaluate(async (given) => {
      const { axe } = window as unknown as { axe: typeof import('axe-core') }
      return (await axe.run(document, given)).violations.flatMap(({ id, nodes }) =>
        nodes.map(({ target, failureSummary }) => `${id} ${target.join()} ${failureSummary}`),
      )
    }, options)
    found.push(...violations.map((violation) => `${colorScheme}: ${violation}`))
  }
  return found
}

describeEachEngine(`the console${missing('chromium') && ` (${missing('chromium')})`}`, (target) => {
  if (missing('chromium')) return it.skip('needs a Chromium')
  let server: TestServer
  const ui = useUi(`console-${target.name}`, async () => {
    server = await startWithRun(target)
    return server
  })
  const open = async (path: string, headers?: Record<string, string>): Promise<Page> => {
    const page = await ui.context.newPage()
    if (headers) await page.setExtraHTTPHeaders(headers)
    await page.goto(`${server.url}/crateflow${path}`)
    await see(page.getByRole('heading', { level: 1 }))
    return page
  }
  const retention = () => retentionOf(server.request)
  const click = (page: Page, name: string) => page.getByRole('button', { name, exact: true }).click()
  const heading = (page: Page, name: string) =>
    see(page.getByRole('heading', { level: 1, name, exact: true }))

  it('shows the server, the health of its database, what comes in and what tables hold', async () => {
    // CrateDB counts the rows of shards a moment later.
    const held = async () =>
      (await retention().get<Overview>('overview')).tables.find(
        ({ own, name }) => own && /\.metrics$/.test(name),
      )
    await expect.poll(async () => (await held())?.rows, { timeout: 60_000 }).toBe(OLD_POINTS + 1)
    const metrics = (await held())?.name ?? ''
    const page = await open('')
    await heading(page, 'Overview')
    await see(page.getByText('Crateflow 0.'))
    await see(page.getByText(target.name === 'CrateDB' ? /^. (GREEN|YELLOW)$/ : /^. answers$/))
    await see(page.getByRole('img', { name: /^Runs by the hour: 1 in the last hour, 1 in the last day/ }))
    await see(page.getByRole('img', { name: /^Points of metrics by the hour: 1 in the last hour/ }))
    await see(page.getByText('No policy has a schedule.'))

    await page.getByLabel('Name', { exact: true }).fill(metrics.toUpperCase())
    const row = page.getByRole('row', { name: metrics })
    await see(row.getByRole('cell', { name: String(OLD_POINTS + 1), exact: true }))
    await see(page.getByText(/^1 of \d+$/))
    await row.getByRole('button', { name: /^Months of .*: 1$/ }).click()
    const month = new Date().toISOString().slice(0, 7)
    await see(page.getByRole('row', { name: new RegExp(`^${month} ${OLD_POINTS + 1}`) }))
    await click(page, 'Rows')
    expect(await page.getByRole('columnheader', { name: 'Rows' }).first().getAttribute('aria-sort')).toBe(
      'descending',
    )
    await page.getByText('As a table').click()
    await see(page.getByRole('table', { name: 'Ingest by the hour' }))
    expect(await violationsOf(page)).toEqual([])
    await ui.shot(page, 'overview')
  })

  it('leads whoever makes a policy past what is wrong, shows what it would touch, and keeps it', async () => {
    const page = await open('/lifecycle')
    await see(page.getByText('Without any, everything is kept.'))
    await page.getByRole('link', { name: 'New policy' }).click()
    await heading(page, 'New policy')
    await click(page, 'Preview')
    await see(page.getByText(/^(It would touch|Nothing is that old)/))
    await click(page, 'Make policy')
    const name = page.getByLabel('Name', { exact: true })
    await see(page.getByText('Give the policy a name.'))
    await expect.poll(() => name.evaluate((field) => field === document.activeElement)).toBe(true)
    await name.fill('old points')
    const age = page.getByLabel('Older than', { exact: true })
    await age.fill('soon')
    await see(page.getByText('use a duration such as 90m'))
    await age.fill('30d')
    // The server knows more of times than the form does, and says so at the field.
    await page.getByLabel('by cron').check()
    const cron = page.getByLabel('Cron', { exact: true })
    await cron.fill('0 99 * * *')
    await click(page, 'Make policy')
    await see(page.getByRole('alert').getByText("for parameter 'cron'"))
    await expect.poll(() => cron.getAttribute('aria-invalid')).toBe('true')
    expect(await violationsOf(page)).toEqual([])
    await cron.fill('0 3 * * *')
    await click(page, 'Preview')
    await see(page.getByText(`It would touch ${OLD_POINTS} rows`))
    await age.fill('60d')
    await see(page.getByText('The form has changed since.'))
    await click(page, 'Preview')
    await see(page.getByText('Nothing is that old'))
    await age.fill('30d')
    await click(page, 'Make policy')
    await see(page.getByRole('status').getByText('Saved.'))
    await heading(page, 'old points')
    expect(page.url()).toMatch(/\/crateflow\/lifecycle\/policies\/p-[0-9a-f]{16}$/)
    const { policies } = await retention().get<{ policies: object[] }>('policies/list')
    expect(policies).toMatchObject([{ name: 'old points', duration: '30d', cron: '0 3 * * *' }])
  })

  it('runs it when asked twice, tells how that goes, and what was done', async () => {
    const page = await open('/lifecycle/policies')
    await page.getByRole('link', { name: 'old points' }).click()
    await see(page.getByText('It has not run yet.'))
    await click(page, 'Run now')
    const dialog = page.getByRole('dialog', { name: 'Run old points now?' })
    await see(dialog)
    expect(await violationsOf(page)).toEqual([])
    await dialog.getByRole('button', { name: 'Not now' }).click()
    expect((await retention().get<{ executions: object[] }>('executions/list')).executions).toEqual([])
    await click(page, 'Run now')
    await dialog.getByRole('button', { name: 'Run it' }).click()
    // What readers of screens hear.
    const said = page.locator('[aria-live=polite]').filter({ hasText: `succeeded: ${OLD_POINTS} rows` })
    await said.waitFor({ state: 'attached' })
    await page.getByRole('link', { name: 'by hand' }).click()
    await heading(page, 'Execution of old points')
    await see(page.getByText('DELETE points of metrics older than'))
    await see(page.getByRole('cell', { name: String(OLD_POINTS), exact: true }))
    expect(await violationsOf(page)).toEqual([])
    await page.getByRole('link', { name: 'Executions' }).click()
    await see(page.getByRole('row', { name: /succeeded old points/ }))
    expect(await violationsOf(page)).toEqual([])
  })

  it('changes it, shows the change in the audit, and deletes it', async () => {
    const page = await open('/lifecycle/policies')
    await see(page.getByRole('link', { name: 'old points' }))
    expect(await violationsOf(page)).toEqual([])
    await page.getByRole('link', { name: 'old points' }).click()
    await page.getByLabel('Older than', { exact: true }).fill('4w')
    await page.getByLabel('by hand').check()
    await page.getByLabel('Tags of the policy').fill('team-a, nightly')
    await click(page, 'Save changes')
    await see(page.getByRole('status').getByText('Saved.'))
    await click(page, 'Check')
    await see(page.getByText('There is no data in metrics that it could ever touch'))
    expect(await violationsOf(page)).toEqual([])
    await page.getByRole('link', { name: 'Audit' }).click()
    await page.getByText('cron, duration, tags changed').click()
    await see(page.getByRole('insertion').getByText('4w'))
    expect(await page.getByRole('deletion').getByText('30d').count()).toBe(1)
    await see(page.getByText(`${OLD_POINTS} rows in`))
    expect(await violationsOf(page)).toEqual([])
    await page.getByLabel('Kind').selectOption('Policy made')
    await expect.poll(() => page.getByText('Policy changed').count()).toBe(1) // the choice itself

    await page.getByRole('link', { name: 'old points' }).click()
    await click(page, 'Delete policy')
    await page.getByRole('dialog').getByRole('button', { name: 'Delete it' }).click()
    await see(page.getByText('Without any, everything is kept.'))
    expect(await violationsOf(page)).toEqual([])
    await page.goBack()
    await see(page.getByRole('alert').getByText('does not exist'))
  })

  it('makes a ladder step by step, and draws what stays of a curve on each', async () => {
    const page = await open('/lifecycle/policies/new')
    await page.getByLabel('Name', { exact: true }).fill('thinned')
    await page.getByLabel('Downsample').check()
    await click(page, 'Add a step')
    const text = page.getByLabel('As text')
    expect(await text.inputValue()).toBe('1m:30d,1h:210d,1d:420d')
    await page.getByRole('textbox', { name: 'Step 3: older than' }).fill('2y')
    await click(page, 'Remove step 1')
    expect(await text.inputValue()).toBe('1h:210d,1d:2y')
    await see(page.getByRole('img', { name: /^One bucket for 1h, 210d to 2y: [\d,]+ points, / }))
    await see(page.getByRole('img', { name: /^One bucket for 1d, older than 2y: 24 points, / }))
    await ui.shot(page, 'ladder')
    await text.fill('1d:30d,1h:1y')
    await click(page, 'Make policy')
    await see(page.getByText('each size must be a multiple of the one before'))
    await page.getByLabel('steps', { exact: true }).check()
    await see(page.getByRole('img', { name: /^One bucket for 1000 steps, older than 1y/ }))
    await text.fill('10steps:30d,100steps:1y')
    expect(await violationsOf(page)).toEqual([])
    await click(page, 'Make policy')
    await see(page.getByRole('status').getByText('Saved.'))
    const { policies } = await retention().get<{ policies: object[] }>('policies/list')
    expect(policies).toMatchObject([{ strategy: 'downsample', ladder: '10steps:30d,100steps:1y' }])
  })

  it('takes what is kept of the rows of a table, shows it again, and changes it', async () => {
    const page = await open('/lifecycle/policies/new?target=doc.readings')
    await page.getByLabel('Name', { exact: true }).fill('readings')
    await page.getByLabel('Column', { exact: true }).fill('ts')
    await page.getByLabel('Downsample').check()
    const [series, kept] = [
      page.getByLabel('A series for each value of'),
      page.getByLabel('What is kept of columns'),
    ]
    await series.fill('sensor\nsite')
    await kept.fill('temperature:median')
    const text = page.getByLabel('As text')
    await text.fill('10steps:30d')
    await click(page, 'Make policy')
    await see(page.getByText('Buckets of a table have times for sizes'))
    await see(page.getByText("not 'temperature:median'"))
    await text.fill('1m:30d,1h:1y')
    await kept.fill('temperature:min,max,mean')
    expect(await violationsOf(page)).toEqual([])
    await click(page, 'Make policy')
    await see(page.getByRole('status').getByText('Saved.'))
    const list = () => retention().get<{ policies: object[] }>('policies/list?target=doc.readings')
    const said = { by: ['sensor', 'site'], aggregates: ['temperature:min,max,mean'], ladder: '1m:30d,1h:1y' }
    expect((await list()).policies).toMatchObject([{ column: 'ts', strategy: 'downsample', ...said }])
    expect(await series.inputValue()).toBe('sensor\nsite')
    await page.getByLabel('Tags of the policy').fill('plant-7')
    await page.getByLabel('Buckets go into').fill('doc.readings_by_time')
    await click(page, 'Save changes')
    await see(page.getByRole('status').getByText('Saved.'))
    await expect
      .poll(async () => (await list()).policies)
      .toMatchObject([{ ...said, into: 'doc.readings_by_time', tags: ['plant-7'], version: 2 }])
    await retention().post('policies/delete', { policy_id: 'readings' })
  })

  it('tells clients on other machines that policies about tables are not theirs to make', async () => {
    const page = await open('/lifecycle/policies/new?target=doc.events', { 'x-forwarded-for': '192.0.2.1' })
    await see(page.getByText('it takes those from clients on its own machine alone'))
    expect(await page.getByRole('button', { name: 'Make policy' }).isDisabled()).toBe(true)
    expect(await violationsOf(page)).toEqual([])
    const own = await open('/lifecycle/policies/new?target=doc.events')
    await own.getByLabel('Name', { exact: true }).fill('events')
    await own.getByLabel('Column').fill('time')
    await expect.poll(() => own.getByRole('button', { name: 'Make policy' }).isEnabled()).toBe(true)
    await click(own, 'Preview')
    // Whatever the server refuses is told in its words.
    await see(own.getByRole('alert'))
  })

  it('is gone through by the keyboard, and says where there is nothing', async () => {
    const page = await open('/lifecycle/nowhere')
    await heading(page, 'There is no such page')
    expect(await violationsOf(page)).toEqual([])
    await page.keyboard.press('Tab')
    expect(await page.evaluate(() => document.activeElement?.textContent)).toBe('Skip to the content')
    await page.keyboard.press('Enter')
    await page.keyboard.press('Tab')
    expect(await page.evaluate(() => document.activeElement?.textContent)).toBe('overview')
    await page.keyboard.press('Enter')
    await heading(page, 'Overview')
    expect(await page.evaluate(() => document.activeElement?.id)).toBe('main')
  })

  it('asks for its own pages and the API of its own prefix, and of this server alone', () => {
    expect(ui.log.foreign()).toEqual([])
    const others = ui.log
      .requests()
      .map(({ path }) => path)
      .filter((path) => !/^\/crateflow(\/|$)|^\/ajax-api\/crateflow\/1\.0\/retention\//.test(path))
    expect(others).toEqual([])
  })
})
