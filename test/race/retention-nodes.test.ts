// Partitions that are moved to other nodes, on a cluster of three whose nodes have attributes: a test for the night, since it starts the cluster.
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { describe, expect, it } from 'vitest'
import { type Cluster, startCluster } from '../../chaos/cluster.ts'
import { migrate } from '../../src/platform/database/migrate.ts'
import { openEngine } from '../../src/platform/database/open-engine.ts'
import { parseBackendUri } from '../../src/platform/database/uri.ts'
import { startApp } from '../support/app.ts'
import { tries } from '../support/chance.ts'
import { createPartitioned, retentionOf } from '../support/retention.ts'
import { findJava } from '../support/services/cratedb.ts'

const HOME = process.env.CRATEDB_HOME || '/usr/share/crate'
const MONTHS = ['2020-01', '2020-02', '2020-03', '2020-04']
const ROWS = 1000

const java = await findJava(HOME)
const why = tries(0, 1) === 0 ? ' (part of npm run test:chance)' : java ? '' : ' (no CrateDB here)'

describe.skipIf(why)(`reallocation of partitions on a cluster of three nodes${why}`, () => {
  it('moves the shards of old partitions, and none of the others, with all their rows', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'crateflow-nodes-'))
    const attributes = [{ storage: 'hot' }, { storage: 'hot' }, { storage: 'cold' }]
    const cluster = await startCluster({ home: HOME, java: java ?? '', folder, attributes })
    try {
      await cluster.untilGreen()
      const engine = await openEngine(parseBackendUri(cluster.uri), { maxConnections: 5 })
      await migrate(engine, { shards: 1, replicas: '0', views: false })
      const app = await startApp({ uri: cluster.uri } as never, { engine })
      const retention = retentionOf(app.request)
      const table = await createPartitioned(engine, 'moved', { months: MONTHS, rows: ROWS, shards: 3 })
      // First all of it where the others are.
      await cluster.query(`ALTER TABLE ${table} SET ("routing.allocation.require.storage" = 'hot')`)
      const before = await nodesByMonth(cluster, table, (nodes) =>
        Object.values(nodes).every((all) => !all.includes('node-3')),
      )
      expect(Object.keys(before)).toEqual(MONTHS)
      const base = { target: table, column: 'time_month', strategy: 'reallocate', attribute: 'storage' }
      await retention.create({ ...base, name: 'nowhere', attribute_value: 'tape', duration: '1d' })
      expect((await retention.run('nowhere')).execution).toMatchObject({ state: 'failed' })
      await retention.create({ ...base, name: 'cold', attribute_value: 'cold', duration: '1d' })
      expect((await retention.check({ policy_ids: ['cold'] }))[0]).toMatchObject({
        verdict: 'ok',
        code: 'ok',
      })
      const { execution } = await retention.run('cold', { cutoff: '2020-03-15' })
      expect(execution).toMatchObject({ state: 'succeeded', steps_done: 2, rows: 2 * ROWS })
      const isCold = (nodes: string[] = []) => nodes.every((node) => node === 'node-3')
      const after = await nodesByMonth(
        cluster,
        table,
        (nodes) => isCold(nodes['2020-01']) && isCold(nodes['2020-02']),
      )
      for (const month of ['2020-03', '2020-04']) expect(after[month]).toEqual(before[month])
      const [counted] = await cluster.query(`SELECT count(*) AS n FROM ${table}`)
      expect(Number(counted?.n)).toBe(MONTHS.length * ROWS)
      // Once more there is nothing to do.
      expect((await retention.run('cold', { cutoff: '2020-03-15' })).execution).toMatchObject({
        steps_done: 0,
      })
      await app.close()
      await engine.close()
    } finally {
      await cluster.stop()
      await rm(folder, { recursive: true, force: true })
    }
  }, 600_000)
})

/** Names of the nodes that have the shards of each month, once they are all there and as wanted. */
async function nodesByMonth(
  cluster: Cluster,
  table: string,
  isWanted: (nodes: Record<string, string[]>) => boolean,
): Promise<Record<string, string[]>> {
  const [schema, name] = table.split('.')
  for (;;) {
    const rows = await cluster.query(
      `SELECT p."values"['time_month'] AS month, s.node['name'] AS node, s.state AS state
       FROM sys.shards s JOIN information_schema.table_partitions p
         ON p.table_schema = s.schema_name AND p.table_name = s.table_name AND p.partition_ident = s.partition_ident
       WHERE s.schema_name = '${schema}' AND s.table_name = '${name}' ORDER BY 1, 2`,
    )
    const nodes: Record<string, string[]> = {}
    for (const { month, node } of rows) {
      const key = new Date(Number(month)).toISOString().slice(0, 7)
      nodes[key] = [...(nodes[key] ?? []), String(node)]
    }
    if (rows.every(({ state }) => state === 'STARTED') && isWanted(nodes)) return nodes
    await sleep(500)
  }
}
