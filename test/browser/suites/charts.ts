// Charts: of an experiment's runs, of runs that are compared, and of what runs have written to tables.
import type { Page } from 'playwright-core'
import { expect, it } from 'vitest'
import { see, type Ui } from '../ui.ts'

interface Trace {
  name?: string
  type?: string
  x?: ArrayLike<unknown>
  y?: ArrayLike<unknown>
  dimensions?: { label: string; values: unknown[] }[]
}

/** What each chart on the page draws, read from the charts' own data. */
const charts = (page: Page): Promise<Trace[][]> =>
  page.evaluate(() =>
    [...document.querySelectorAll('.js-plotly-plot')].map((chart) =>
      (chart as unknown as { data: Trace[] }).data.map(({ name, type, x, y, dimensions }) => ({
        name,
        type,
        x: x && Array.from(x),
        y: y && Array.from(y),
        dimensions: dimensions?.map(({ label, values }) => ({ label, values: Array.from(values) })),
      })),
    ),
  )

/** The last of the numbers. */
export const lastOf = (values: ArrayLike<unknown> | undefined): number => Number(values?.[values.length - 1])

/** A group of charts, by what stands above it. */
export const section = (page: Page, title: RegExp) =>
  page.getByTestId('experiment-view-compare-runs-section-header').filter({ hasText: title })

/** Polls until a chart holds a trace that `wanted` takes, and answers the first such trace. */
export async function seeTrace(page: Page, wanted: (trace: Trace) => boolean): Promise<Trace> {
  let found: Trace | undefined
  await expect
    .poll(
      async () => {
        found = (await charts(page)).flat().find(wanted)
        return found !== undefined
      },
      { timeout: 30_000 },
    )
    .toBe(true)
  return found as Trace
}

export function chartTests(ui: Ui): void {
  const compared = (count: number) => {
    const { runs, experiment_id } = ui.seed.churn
    const list = (ids: string[]) => encodeURIComponent(JSON.stringify(ids))
    return `/compare-runs?runs=${list(runs.slice(0, count))}&experiments=${list([experiment_id])}`
  }

  it('draws the metrics of all runs of an experiment', async () => {
    const page = await ui.open(`/experiments/${ui.seed.images.experiment_id}/runs?compareRunsMode=CHART`)
    await see(section(page, /train\s*\(1\)/))
    // A hundred thousand points are sampled to some hundred, of which the last one is there.
    const longest = await seeTrace(page, ({ name, x }) => name === 'resnet-0' && lastOf(x) === 99_999)
    expect(longest.x?.length).toBeLessThan(1000)
    expect(Number(longest.y?.[0])).toBeGreaterThan(2)
    const other = await seeTrace(page, ({ name, y }) => name === 'resnet-9' && Number(y?.[0]) > 3)
    expect(lastOf(other.x)).toBe(1999)
    await ui.shot(page, 'charts')
  })

  it('hides a run from the charts', async () => {
    const page = await ui.open(`/experiments/${ui.seed.images.experiment_id}/runs?compareRunsMode=CHART`)
    await seeTrace(page, ({ name }) => name === 'resnet-9')
    await page.getByTestId('experiment-view-runs-visibility-column-header').click()
    await page.getByText('Hide all runs').click()
    await expect
      .poll(async () => (await charts(page)).flat().some(({ name }) => name === 'resnet-9'))
      .toBe(false)
  })

  it('compares runs in parallel coordinates and in a table of differences', async () => {
    const page = await ui.open(compared(4))
    await see(page.getByText('Comparing 4 Runs from 1 Experiment'))
    const { dimensions } = await seeTrace(page, ({ type }) => type === 'parcoords')
    expect(dimensions?.find(({ label }) => label === 'depth')?.values).toEqual([2, 3, 4, 5])
    expect(dimensions?.map(({ label }) => label)).toEqual(
      expect.arrayContaining(['learning_rate', 'optimizer']),
    )
    await see(page.getByText('churn-003'))
    await see(page.getByText('sgd'))
    await ui.shot(page, 'compare-parallel')
  })

  it('compares runs in scatter, box and contour plots', async () => {
    const page = await ui.open(compared(8))
    await page.getByRole('tab', { name: 'Scatter Plot' }).click()
    const scatter = await seeTrace(page, ({ type }) => Boolean(type?.startsWith('scatter')))
    expect(scatter.x?.length).toBe(8)
    await ui.shot(page, 'compare-scatter')
    await page.getByRole('tab', { name: 'Box Plot' }).click()
    for (const [axis, name] of Object.entries({ 'X-axis:': 'optimizer', 'Y-axis:': 'accuracy' })) {
      await page.getByText(axis, { exact: true }).locator('xpath=following::*[@role="combobox"][1]').click()
      await page.getByRole('option', { name }).first().click()
    }
    const box = await seeTrace(page, ({ type }) => type === 'box')
    expect(box.y?.length).toBeGreaterThan(0)
    await ui.shot(page, 'compare-box')
    await page.getByRole('tab', { name: 'Contour Plot' }).click()
    await seeTrace(page, ({ type }) => type === 'contour')
    await ui.shot(page, 'compare-contour')
  })

  it('opens the comparison from the table of runs', async () => {
    const page = await ui.open(`/experiments/${ui.seed.images.experiment_id}/runs`)
    const boxes = page.getByRole('checkbox', { name: /Press Space/ })
    await boxes.nth(0).click()
    await boxes.nth(1).click()
    await page.getByTestId('runs-compare-button').click()
    await see(page.getByText('Comparing 2 Runs from 1 Experiment'))
    await see(page.getByText('resnet-8'))
  })

  it('draws a metric of several runs on the page of the metric', async () => {
    const { runs, experiment_id } = ui.seed.images
    const query = {
      runs: runs.slice(1, 3),
      metric: 'val/accuracy',
      experiments: [experiment_id],
      plot_metric_keys: ['val/accuracy'],
      plot_layout: {},
      deselected_curves: [],
      last_linear_y_axis_range: [],
    }
    const words = 'x_axis=step&y_axis_scale=linear&line_smoothness=1&show_point=false'
    const lists = Object.entries(query).map(
      ([key, value]) => `${key}=${encodeURIComponent(JSON.stringify(value))}`,
    )
    const page = await ui.open(`/metric?${[...lists, words].join('&')}`)
    const { y } = await seeTrace(page, ({ x }) => Number(x?.length) > 100)
    expect(lastOf(y)).toBeGreaterThan(0.8)
    await ui.shot(page, 'metric')
  })

  it('compares experiments', async () => {
    const ids = JSON.stringify([ui.seed.churn.experiment_id, ui.seed.images.experiment_id])
    const page = await ui.open(`/compare-experiments/s?experiments=${encodeURIComponent(ids)}`)
    await see(page.getByText('Displaying Runs from 2 Experiments'))
    await see(page.getByText('sweep'))
  })

  it('lays the tables of runs side by side', async () => {
    const page = await ui.open(`/experiments/${ui.seed.images.experiment_id}/runs?compareRunsMode=ARTIFACT`)
    await see(page.getByText('seeded question 5'))
    await see(page.getByText('seeded answer 0'))
    await ui.shot(page, 'evaluation')
  })
}
