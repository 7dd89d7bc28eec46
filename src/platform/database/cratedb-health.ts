// What CrateDB tells about its cluster: nodes, copies of shards, its own checks.
import { sql } from 'drizzle-orm'
import { reasonOf } from '../../errors.ts'
import type { DatabaseFinding, Engine } from './engine.ts'

/** What the tests run on. */
const TESTED = [6, 4]
/** Part of the shards that a cluster may hold, from which on it is told. */
const CROWDED = 0.8

/** CrateDB's words for a schema that a user may not see; a user with rights on one schema sees nothing of `sys`. */
export const NOT_VISIBLE = /^Schema 'sys' unknown|^Missing '\w+' privilege/

/**
 * Looks at the cluster and at the tables of the engine's schema.
 * @param version such as `CrateDB 6.4.3`
 */
export async function examineCratedb(engine: Engine, version: string): Promise<DatabaseFinding[]> {
  const ofVersion = examineVersion(version)
  try {
    const nodes = await examineNodes(engine)
    return [
      ...ofVersion,
      nodes.finding,
      ...(await examineTables(engine, nodes.count)),
      await examineShards(engine, nodes.count),
      ...(await examineChecks(engine)),
    ]
  } catch (error) {
    if (!NOT_VISIBLE.test(reasonOf(error))) throw error
    return [
      ...ofVersion,
      {
        verdict: 'warning',
        subject: 'Cluster',
        text: 'this user may not see the state of the cluster; the server does not need it.',
        advice:
          'To have it checked, let an administrator run: GRANT DQL ON SCHEMA sys TO the user of the URI.',
      },
    ]
  }
}

function examineVersion(version: string): DatabaseFinding[] {
  const [major = 0, minor = 0] = (/\d+\.\d+/.exec(version)?.[0] ?? '').split('.').map(Number)
  const [leastMajor = 0, leastMinor = 0] = TESTED
  if (major > leastMajor || (major === leastMajor && minor >= leastMinor)) return []
  return [
    {
      verdict: 'warning',
      subject: 'Version',
      text: `${version} is older than what this program is tested on, CrateDB ${TESTED.join('.')}.`,
      advice: 'Upgrade CrateDB.',
    },
  ]
}

async function examineNodes(engine: Engine): Promise<{ count: number; finding: DatabaseFinding }> {
  const { rows } = await engine.execute<{ version: string; nodes: unknown }>(
    sql`SELECT version['number'] AS version, count(*) AS nodes FROM sys.nodes GROUP BY 1 ORDER BY 1`,
  )
  const count = rows.reduce((sum, { nodes }) => sum + Number(nodes), 0)
  const subject = 'Cluster'
  const nodes = count === 1 ? '1 node' : `${count} nodes`
  if (rows.length < 2) return { count, finding: { verdict: 'ok', subject, text: nodes } }
  const versions = rows.map(({ version, nodes }) => `${nodes} of ${version}`).join(', ')
  const advice = 'Bring all nodes to one version.'
  return { count, finding: { verdict: 'warning', subject, text: `${nodes}: ${versions}.`, advice } }
}

interface Health {
  health: string
  tables: unknown
  missing: unknown
  underreplicated: unknown
}

async function examineTables(engine: Engine, nodes: number): Promise<DatabaseFinding[]> {
  const { rows } = await engine.execute<Health>(
    sql`SELECT health, count(*) AS tables, sum(missing_shards) AS missing, sum(underreplicated_shards) AS underreplicated
        FROM sys.health WHERE table_schema = ${engine.schema} GROUP BY health`,
  )
  const sum = (field: 'tables' | 'missing' | 'underreplicated') =>
    rows.reduce((total, row) => total + Number(row[field] ?? 0), 0)
  const subject = 'Tables'
  const missing = sum('missing')
  if (missing > 0 || rows.some(({ health }) => health === 'RED'))
    return [
      {
        verdict: 'failure',
        subject,
        text: `${missing} shards of tables in ${engine.schema} are missing: what is in them can be neither read nor written.`,
        advice: 'Start the nodes that hold them; sys.allocations tells what keeps them from being there.',
      },
    ]
  const lacking = sum('underreplicated')
  if (lacking > 0)
    return [
      {
        verdict: 'warning',
        subject,
        text: `${lacking} shards of tables in ${engine.schema} have fewer copies than wanted, on ${nodes} ${nodes === 1 ? 'node' : 'nodes'}.`,
        advice:
          "Start the nodes that are missing, or want fewer copies: ALTER TABLE … SET (number_of_replicas = '0-1').",
      },
    ]
  if (rows.length === 0) return []
  return [{ verdict: 'ok', subject, text: `all shards are there` }, await examineReplicas(engine, nodes)]
}

/** Tables whose rows a lost node takes along. */
async function examineReplicas(engine: Engine, nodes: number): Promise<DatabaseFinding> {
  const subject = 'Replicas'
  if (nodes === 1)
    return {
      verdict: 'ok',
      subject,
      text: 'one node holds all data, and there are no copies: make backups by snapshots.',
    }
  const { rows } = await engine.execute<{ table_name: string }>(
    sql`SELECT DISTINCT table_name FROM information_schema.table_partitions
        WHERE table_schema = ${engine.schema} AND number_of_replicas = '0'
        UNION SELECT table_name FROM information_schema.tables
        WHERE table_schema = ${engine.schema} AND number_of_replicas = '0' ORDER BY 1`,
  )
  if (rows.length === 0) return { verdict: 'ok', subject, text: 'all tables have copies on other nodes' }
  const names = rows.map(({ table_name }) => table_name)
  const named =
    names.length > 5 ? `${names.slice(0, 5).join(', ')} and ${names.length - 5} more` : names.join(', ')
  return {
    verdict: 'warning',
    subject,
    text: `there are no copies of ${named}: a node that is lost takes rows of them along.`,
    advice: "For each of them: ALTER TABLE … SET (number_of_replicas = '0-1').",
  }
}

async function examineShards(engine: Engine, nodes: number): Promise<DatabaseFinding> {
  const { rows } = await engine.execute<{ shards: unknown; most: unknown }>(
    sql`SELECT count(*) AS shards, (SELECT settings['cluster']['max_shards_per_node'] FROM sys.cluster) AS most
        FROM sys.shards`,
  )
  const [shards, most] = [Number(rows[0]?.shards ?? 0), Number(rows[0]?.most ?? 0) * nodes]
  const subject = 'Shards'
  const text = `${shards} of at most ${most}`
  if (shards < most * CROWDED) return { verdict: 'ok', subject, text }
  return {
    verdict: 'warning',
    subject,
    text: `${text}: soon no table or month of metrics can be added.`,
    advice: 'Add nodes, or raise cluster.max_shards_per_node.',
  }
}

/** CrateDB's own checks of the cluster, and of the disks of its nodes. */
async function examineChecks(engine: Engine): Promise<DatabaseFinding[]> {
  const { rows } = await engine.execute<{ description: string; severity: number }>(
    sql`SELECT description, severity FROM sys.checks WHERE NOT passed AND severity > 1
        UNION SELECT description, severity FROM sys.node_checks WHERE NOT passed AND severity > 1
        ORDER BY severity DESC, description`,
  )
  return rows.map(({ description }) => ({
    verdict: 'warning',
    subject: "CrateDB's checks",
    text: description,
  }))
}
