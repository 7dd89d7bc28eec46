// The table and the plots of a store that is used for months.
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { lineChart } from './plot.mjs'
import { table } from './report.mjs'

const MIB = 1024 * 1024
const mib = (bytes) => (bytes / MIB).toFixed(0)
const seconds = (ms) => (ms / 1000).toFixed(2)
const pair = (probe) => (probe ? `${probe.p50.toFixed(1)} / ${probe.p95.toFixed(1)}` : '—')

/** One contender's samples in Markdown, and how it came back from a kill. */
export function churnTable({ title, samples, restart, wrong }) {
  const probes = Object.keys(samples[0].probes)
  const head = [
    ...['points', 'tag changes', 'runs deleted', 'store (MiB)', 'WAL (MiB)', 'memory (MiB)', 'part took (s)'],
    ...probes.map((probe) => `${probe}, p50 / p95 (ms)`),
  ]
  const rows = samples.map((sample) => [
    ...[sample.points, sample.tags, sample.runs, mib(sample.storeBytes), mib(sample.walBytes)],
    ...[sample.memoryMiB, sample.seconds?.toFixed(0) ?? ''],
    ...probes.map((probe) => pair(sample.probes[probe])),
  ])
  const after =
    `Killed by SIGKILL and started again: ${seconds(restart.startMs)} s to /health, the first search ` +
    `${restart.searchMs.toFixed(0)} ms. Read back: ${wrong ?? 'all that was acknowledged is there'}.`
  return `\n**${title}**\n\n${table(head, rows)}\n\n${after}\n`
}

/** Writes plots and a page with all tables into the folder. */
export function publishChurn(report, folder) {
  const all = Object.values(report)
  const line = (name, samples, of) => ({
    name,
    points: samples.filter((one) => of(one) !== undefined).map((one) => [one.points, of(one)]),
  })
  const common = { xLabel: 'metric points that were logged', isLinear: true }
  const charts = {
    'churn-disk.svg': {
      title: 'Size of the store (MiB)',
      yLabel: 'MiB',
      series: all.flatMap(({ title, samples }) => [
        line(title, samples, ({ storeBytes }) => storeBytes / MIB),
        line(`${title}: of it write-ahead log`, samples, ({ walBytes }) => walBytes / MIB),
      ]),
    },
    'churn-latency.svg': {
      title: `Requests of one client, ${all[0].title} (p95)`,
      yLabel: 'milliseconds',
      series: Object.keys(all[0].samples[0].probes).map((probe) =>
        line(probe, all[0].samples, ({ probes }) => probes[probe]?.p95),
      ),
    },
  }
  const images = Object.entries(charts).map(([file, chart]) => {
    writeFileSync(join(folder, file), lineChart({ ...common, ...chart }))
    return `![${chart.title}](${file})`
  })
  writeFileSync(join(folder, 'churn.md'), `${[PAGE, ...all.map(churnTable), ...images].join('\n\n')}\n`)
}

const PAGE = `# A store that is used for months

Written by \`npm run bench -- --churn --docs docs\`, see [bench/](../bench/README.md#months-of-use). Each row follows a part of
the work; probes are requests of one client while nothing else is asked.`
