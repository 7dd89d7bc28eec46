// Files of runs in the browser: what each kind looks like, downloads, and that no file runs as the UI.
import { readFile } from 'node:fs/promises'
import type { Page } from 'playwright-core'
import { expect, it } from 'vitest'
import { component, see, type Ui } from '../ui.ts'
import { section } from './charts.ts'

const DOWNLOAD = 'codegen_mlflow_app_src_experiment-tracking_components_artifactview.tsx_337'

/** Waits until the page draws an image that is so many pixels wide by itself. */
const seeImage = (page: Page, width: number) =>
  expect
    .poll(() => page.evaluate(() => [...document.images].map(({ naturalWidth }) => naturalWidth)), {
      timeout: 30_000,
    })
    .toContain(width)

/** Files that are shown as text, and a part of it. */
const TEXTS = {
  'files/log.txt': 'plain seeded text',
  'files/result.json': '"name": "resnet"',
  'files/config.yaml': 'dropout',
  'files/train.py': 'seeded code',
}

export function artifactTests(ui: Ui): void {
  const runPath = () => `/experiments/${ui.seed.images.experiment_id}/runs/${ui.seed.images.runs[0]}`
  const open = (file = '') => ui.open(`${runPath()}/artifacts${file && `/${file}`}`)
  const addressOf = (file: string) =>
    `${ui.url}/get-artifact?path=${encodeURIComponent(file)}&run_uuid=${ui.seed.images.runs[0]}`

  it('lists folders and opens them', async () => {
    const page = await open()
    const node = (name: string) => page.getByTestId('artifact-tree-node').filter({ hasText: name })
    await see(node('answers.json'))
    await node('plots').click()
    await see(node('figure.png'))
    await node('figure.png').click()
    await seeImage(page, 400)
    await ui.shot(page, 'artifact-figure')
  })

  for (const [file, text] of Object.entries(TEXTS)) {
    it(`shows the text of ${file}`, async () => {
      const page = await open(file)
      await see(page.getByText(text))
      await ui.shot(page, `artifact-${file.split('.').at(-1)}`)
    })
  }

  it('shows markdown, CSV and a logged table as such', async () => {
    const markdown = await open('files/notes.md')
    await see(markdown.getByText('Seeded notes'))
    const csv = await open('files/visitors.csv')
    await see(csv.getByText('Previewing the first 300 rows'))
    await see(csv.getByText('city-7', { exact: true }))
    await ui.shot(csv, 'artifact-csv')
    const table = await open('answers.json')
    await see(table.getByText('seeded question 3'))
    await see(table.getByText('seeded answer 5'))
    await ui.shot(table, 'artifact-table')
  })

  it('draws PNG and SVG', async () => {
    const png = await open('files/picture.png')
    await seeImage(png, 120)
    const svg = await open('files/drawing.svg')
    await seeImage(svg, 240)
    await ui.shot(svg, 'artifact-svg')
    expect(await svg.evaluate('window.__svgScriptRan')).toBeUndefined()
  })

  it('draws the images that a run has logged step by step', async () => {
    const page = await open('images')
    await page
      .getByTestId('artifact-tree-node')
      .filter({ hasText: /^samples.*png$/ })
      .first()
      .click()
    await seeImage(page, 48)
    const charts = await ui.open(`/experiments/${ui.seed.images.experiment_id}/runs?compareRunsMode=CHART`)
    await section(charts, /Model metrics\s*\(1\)/).scrollIntoViewIfNeeded()
    await seeImage(charts, 256)
    await ui.shot(charts, 'artifact-images')
  })

  it('shows HTML in a frame that reaches neither the page nor the API', async () => {
    const page = await open('files/report.html')
    const frame = page.frameLocator('iframe').last()
    await see(frame.getByText('Seeded report'))
    await see(frame.getByText(/api refused|script has not run/))
    await ui.shot(page, 'artifact-html')
    expect(await page.evaluate('window.__htmlScriptRan')).toBeUndefined()
  })

  it('downloads a file', async () => {
    const page = await open('files/log.txt')
    await see(page.getByText('plain seeded text'))
    const [download] = await Promise.all([
      page.waitForEvent('download'),
      component(page, DOWNLOAD).first().click(),
    ])
    expect(await readFile(await download.path(), 'utf8')).toBe('plain seeded text\nsecond line\n')
    expect(download.suggestedFilename()).toBe('log.txt')
  })

  for (const file of ['files/report.html', 'files/drawing.svg']) {
    it(`runs no script of ${file} with the UI's origin when it is opened by its address`, async () => {
      const page = await ui.open('/experiments')
      const downloaded = page.waitForEvent('download').then(() => 'downloaded')
      const opened = page
        .goto(addressOf(file))
        .then(() => page.evaluate('window.origin'))
        .catch(() => downloaded)
      expect(['downloaded', 'null']).toContain(await Promise.race([downloaded, opened]))
    })
  }
}
