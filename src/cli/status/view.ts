// The state of a database for people: a few lines and tables.
import type { DatabaseStatus, Health, StatementStatus } from '../../platform/database/status.ts'
import { duration, size } from '../humane.ts'
import { type Cell, type Column, headerOf, layOut, lineOf } from '../table.ts'
import type { Style, Terminal } from '../terminal.ts'
import { visible } from '../visible.ts'

export interface View {
  place: string
  schema: string
  slowMinutes: number
  terminal: Terminal
}

const STYLES: Record<Health, Style> = { GREEN: 'green', YELLOW: 'yellow', RED: 'red' }

export function statusLines(
  status: DatabaseStatus,
  { place, schema, slowMinutes, terminal }: View,
): string[] {
  const { health } = status
  const facts = [
    status.cluster && `cluster ${visible(status.cluster)}`,
    health && `health ${terminal.paint(health, STYLES[health])}`,
    status.size !== undefined && size(status.size),
  ].filter(Boolean)
  const section = (title: string, lines: readonly string[]) => ['', terminal.paint(title, 'bold'), ...lines]
  const named = (title: string, found: readonly StatementStatus[] | undefined) =>
    found === undefined ? [] : section(title, found.length === 0 ? ['none'] : statementTable(found, terminal))
  return [
    [`${status.version} at ${visible(place)}`, ...facts].join(', '),
    ...(status.nodes ? section('Nodes', nodeTable(status.nodes, terminal)) : []),
    ...(status.tables
      ? section(`Tables of ${schema}`, status.tables.length === 0 ? ['none'] : tableTable(status, terminal))
      : []),
    ...named(`Longest statements of the last ${slowMinutes} minutes`, status.slow),
    ...named('Running statements', status.running),
    ...(status.failedChecks
      ? section(
          'Checks that fail',
          status.failedChecks.length === 0
            ? ['none']
            : status.failedChecks.map((text) => `- ${visible(text)}`),
        )
      : []),
  ]
}

function tableOf(columns: readonly Column[], cells: readonly Cell[][], terminal: Terminal): string[] {
  const layout = layOut(columns, cells, terminal.width)
  const table = { columns, layout, terminal }
  return [headerOf(table), ...cells.map((row) => lineOf(row, table))]
}

function nodeTable(nodes: NonNullable<DatabaseStatus['nodes']>, terminal: Terminal): string[] {
  const columns = [
    { title: 'NODE', least: 8 },
    { title: 'VERSION', rank: 4 },
    { title: 'HEAP', alignsRight: true },
    { title: 'OF', alignsRight: true },
    { title: 'LOAD', alignsRight: true, rank: 2 },
    { title: 'DISK USED', alignsRight: true, rank: 3 },
    { title: 'DISK FREE', alignsRight: true, rank: 1 },
  ]
  const cells = nodes.map((node) =>
    [
      visible(node.name),
      node.version,
      size(node.heapUsed),
      size(node.heapMax),
      node.load < 0 ? '' : node.load.toFixed(2),
      size(node.diskUsed),
      size(node.diskFree),
    ].map((text) => ({ text })),
  )
  return tableOf(columns, cells, terminal)
}

function tableTable({ tables = [], rowsAreEstimates }: DatabaseStatus, terminal: Terminal): string[] {
  const hasShards = tables.some(({ shards }) => shards !== undefined)
  const columns: Column[] = [
    { title: 'TABLE', least: 16 },
    { title: rowsAreEstimates ? 'ROWS (ABOUT)' : 'ROWS', alignsRight: true },
    { title: 'SIZE', alignsRight: true },
    ...(hasShards
      ? [
          { title: 'SHARDS', alignsRight: true },
          { title: 'MISSING COPIES', alignsRight: true },
        ]
      : []),
  ]
  const cells = tables.map(({ name, rows, size: bytes, shards, missing = 0 }): Cell[] => [
    { text: visible(name) },
    { text: rows === undefined ? '' : String(rows) },
    { text: size(bytes) },
    { text: shards === undefined ? '' : String(shards) },
    { text: shards === undefined ? '' : String(missing), style: missing > 0 ? 'yellow' : undefined },
  ])
  return tableOf(
    columns,
    cells.map((row) => row.slice(0, columns.length)),
    terminal,
  )
}

function statementTable(statements: readonly StatementStatus[], terminal: Terminal): string[] {
  const columns = [
    { title: 'TOOK', alignsRight: true },
    { title: 'USER', least: 6, rank: 1 },
    { title: 'STATEMENT', least: 20 },
  ]
  const cells = statements.map(({ ms, user = '', statement, failed }): Cell[] => [
    { text: duration(ms), style: failed ? 'red' : undefined },
    { text: visible(user) },
    { text: `${failed ? 'failed: ' : ''}${visible(statement)}` },
  ])
  return tableOf(columns, cells, terminal)
}
