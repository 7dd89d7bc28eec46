// What /metrics tells of the server's own work, and that dashboard and alerts ask for nothing else.
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { beforeAll, describe, expect, it } from 'vitest'
import { parse } from 'yaml'
import { startReceiver } from '../../../support/receiver.ts'
import { webhookConfig } from '../../registry/webhooks/webhook-app.ts'
import { send, useShellApp } from './shell-app.ts'

const DEPLOY = join(import.meta.dirname, '../../../../deploy')
const API = '/api/2.0/mlflow'

interface Target {
  expr: string
  legendFormat: string
}
interface Panel {
  title: string
  type: string
  gridPos: { x: number; y: number; w: number; h: number }
  targets?: Target[]
}
interface Dashboard {
  panels: Panel[]
  templating: { list: { name: string; query: string | { query: string } }[] }
}
interface Alert {
  alert: string
  expr: string
  labels: { severity: string }
  annotations: { summary: string; description: string }
}

const dashboard = JSON.parse(readFileSync(join(DEPLOY, 'grafana/crateflow.json'), 'utf8')) as Dashboard
const rules = parse(readFileSync(join(DEPLOY, 'prometheus/alerts.yaml'), 'utf8')) as {
  groups: { rules: Alert[] }[]
}
const alerts = rules.groups.flatMap((group) => group.rules)
const targets = dashboard.panels.flatMap((panel) => panel.targets ?? [])
const queries = [...targets, ...alerts].map(({ expr }) => expr)

const ours = useShellApp({ metrics: true }, { webhooks: webhookConfig() })
const metrics = async () => (await send(ours.url, 'GET', '/metrics')).body
/** The value of a sample as it stands in the text, labels included. */
const valueIn = (text: string, sample: string): number =>
  Number(
    text
      .split('\n')
      .find((line) => line.startsWith(`${sample} `))
      ?.slice(sample.length + 1),
  )

describe('measures', () => {
  it('tell of flushes, rows, statements and reads at the gate, each as it happens', async () => {
    const before = await metrics()
    const { body } = await ours.request('POST', `${API}/runs/create`, { experiment_id: '0' })
    const { run_id } = (body as { run: { info: { run_id: string } } }).run.info
    const points = Array.from({ length: 100 }, (_, step) => ({
      key: 'loss',
      value: step,
      timestamp: 1,
      step,
    }))
    expect((await ours.request('POST', `${API}/runs/log-batch`, { run_id, metrics: points })).status).toBe(
      200,
    )
    expect((await ours.request('POST', `${API}/runs/search`, { experiment_ids: ['0'] })).status).toBe(200)
    const after = await metrics()
    const grown = (sample: string) => valueIn(after, sample) - valueIn(before, sample)
    expect(grown('crateflow_group_commit_rows_total{queue="runs"}')).toBeGreaterThanOrEqual(100)
    expect(grown('crateflow_group_commit_flushes_total{queue="runs"}')).toBeGreaterThanOrEqual(1)
    expect(grown('crateflow_group_commit_seconds_total{queue="runs"}')).toBeGreaterThan(0)
    expect(grown('crateflow_database_statements_total{outcome="answered"}')).toBeGreaterThan(3)
    expect(grown('crateflow_database_statement_seconds_total')).toBeGreaterThan(0)
    expect(grown('crateflow_refresh_gate_waits_total')).toBeGreaterThan(0)
  })

  it('end at nothing that waits', async () => {
    const text = await metrics()
    expect(valueIn(text, 'crateflow_group_commit_waiting_rows{queue="runs"}')).toBe(0)
    await expect.poll(async () => valueIn(await metrics(), 'crateflow_database_statements_under_way')).toBe(0)
  })

  it('count what became of attempts to reach webhooks', async () => {
    const before = await metrics()
    const receiver = await startReceiver(({ body }, count) => {
      if (body.data.name === 'refused') return { status: 400 }
      return { status: count === 1 ? 503 : 200 }
    })
    const events = [{ entity: 'REGISTERED_MODEL', action: 'CREATED' }]
    const webhook = { name: 'hook', url: receiver.url, events }
    expect((await ours.request('POST', `${API}/webhooks`, webhook)).status).toBe(200)
    for (const name of ['refused', 'late'])
      expect((await ours.request('POST', `${API}/registered-models/create`, { name })).status).toBe(200)
    await receiver.until(3)
    const grown = async (outcome: string) => {
      const sample = `crateflow_webhook_attempts_total{outcome="${outcome}"}`
      return valueIn(await metrics(), sample) - valueIn(before, sample)
    }
    for (const outcome of ['given_up', 'postponed', 'delivered'])
      await expect.poll(() => grown(outcome), { timeout: 10_000 }).toBe(1)
    await receiver.close()
  })

  it('are there from the start, so that a first increase is seen', async () => {
    const text = await metrics()
    for (const queue of ['runs', 'logged_model_metrics', 'traces', 'trace_starts'])
      expect(text).toContain(`crateflow_group_commit_refused_total{queue="${queue}"} 0\n`)
  })
})

describe('dashboard and alerts', () => {
  let text = ''
  beforeAll(async () => {
    await ours.request('GET', `${API}/experiments/get?experiment_id=0`)
    text = await metrics()
  })

  it('ask for metrics that a server exports', () => {
    const exported = new Set([...text.matchAll(/^([a-z_0-9]+)[{ ]/gm)].map(([, name]) => name))
    const asked = [...queries, ...dashboard.templating.list.map(({ query }) => JSON.stringify(query))]
    const named = asked.flatMap(
      (query) => query.match(/\b(mlflow|crateflow|nodejs|process)_[a-z0-9_]+/g) ?? [],
    )
    expect(new Set(named).size).toBeGreaterThan(12)
    expect([...new Set(named)].filter((name) => !exported.has(name))).toEqual([])
  })

  it('know labels that these metrics have', () => {
    const labels = new Set([...text.matchAll(/[{,]([a-z]+)="/g)].map(([, label]) => label))
    for (const label of ['job', 'instance']) labels.add(label)
    const used = queries.flatMap((query) => [
      ...[...query.matchAll(/[{,]\s*([a-z]+)=/g)].map(([, label]) => label),
      ...[...query.matchAll(/by \(([^)]*)\)/g)].flatMap(([, list = '']) => list.split(/,\s*/)),
    ])
    const shown = targets.flatMap(({ legendFormat }) =>
      [...legendFormat.matchAll(/\{\{(\w+)\}\}/g)].map(([, label]) => label),
    )
    expect([...new Set([...used, ...shown])].filter((label) => !labels.has(label))).toEqual([])
  })

  it('choose routes that there are', () => {
    const { paths } = JSON.parse(readFileSync(join(DEPLOY, '../openapi/openapi.json'), 'utf8')) as {
      paths: Record<string, unknown>
    }
    const patterns = queries.flatMap((query) =>
      [...query.matchAll(/route=~?"([^"]+)"/g)].flatMap(([, pattern = '']) => pattern.split('|')),
    )
    expect(patterns.length).toBeGreaterThan(2)
    const unknown = patterns.filter(
      (pattern) => !Object.keys(paths).some((path) => new RegExp(`^(?:${pattern})$`).test(path)),
    )
    expect(unknown).toEqual([])
  })

  it('fit on the dashboard without overlaps, each panel with a title of its own', () => {
    const titles = dashboard.panels.map(({ title }) => title)
    expect(new Set(titles).size).toBe(titles.length)
    const cells = dashboard.panels.flatMap(({ gridPos: { x, y, w, h } }) =>
      Array.from({ length: w * h }, (_, cell) => `${x + (cell % w)} ${y + Math.floor(cell / w)}`),
    )
    expect(new Set(cells).size).toBe(cells.length)
    expect(cells.every((cell) => Number(cell.split(' ')[0]) < 24)).toBe(true)
  })

  it('say in every alert how bad it is and what to do', () => {
    expect(alerts.length).toBeGreaterThan(8)
    expect(new Set(alerts.map(({ alert }) => alert)).size).toBe(alerts.length)
    for (const { labels, annotations } of alerts) {
      expect(['warning', 'critical']).toContain(labels.severity)
      expect(annotations.summary.length).toBeGreaterThan(10)
      expect(annotations.description.length).toBeGreaterThan(20)
    }
  })
})
