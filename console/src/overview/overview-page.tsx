// The overview: the server and its database, what comes in, what tables hold, what is due.
import { Link } from 'wouter'
import type { Overview } from '../api.ts'
import { Ago, HealthMark } from '../parts/marks.tsx'
import { Empty, Loaded, Page, Section } from '../parts/page.tsx'
import { Progress } from '../parts/progress.tsx'
import { useOverview } from '../queries.ts'
import { bytes, count } from '../words.ts'
import { Ingest } from './ingest.tsx'
import { Tables } from './tables.tsx'

const ENGINES: Record<string, string> = {
  cratedb: 'CrateDB',
  postgresql: 'PostgreSQL',
  pglite: 'Embedded database',
}

export function OverviewPage() {
  const overview = useOverview()
  return (
    <Page title="Overview">
      <Loaded of={overview}>
        {(data) => (
          <>
            <Facts overview={data} />
            <div className="columns">
              <Ingest hours={data.ingest} />
              <Due overview={data} />
            </div>
            <Tables tables={data.tables} engine={data.engine} />
          </>
        )}
      </Loaded>
    </Page>
  )
}

function Facts({ overview }: { overview: Overview }) {
  const { tables } = overview
  const sum = (field: 'rows' | 'bytes') => tables.reduce((all, table) => all + (table[field] ?? 0), 0)
  return (
    <dl className="facts">
      <Fact name="Server">
        <strong>Crateflow {overview.server_version}</strong>
      </Fact>
      <Fact name={ENGINES[overview.engine] ?? overview.engine}>
        <strong>{overview.database_version.split(',', 1)[0]}</strong>
      </Fact>
      <Fact name="Database health">
        <HealthMark health={overview.health} />
      </Fact>
      <Fact name="Rows">
        <strong>{count(sum('rows'))}</strong>
      </Fact>
      <Fact name="Size on disk">
        <strong>{bytes(sum('bytes'))}</strong>
      </Fact>
    </dl>
  )
}

const Fact = ({ name, children }: { name: string; children: React.ReactNode }) => (
  <div>
    <dt>{name}</dt>
    <dd>{children}</dd>
  </div>
)

function Due({ overview }: { overview: Overview }) {
  const { running, due_next, schedule_enabled } = overview
  return (
    <Section title="What is due" aside={<Link href="/lifecycle/policies">All policies</Link>}>
      {running.length > 0 ? (
        <ul className="list" aria-label="Running now">
          {running.map((execution) => (
            <li key={execution.execution_id}>
              <Link href={`/lifecycle/executions/${execution.execution_id}`}>{execution.policy_name}</Link>
              <Progress execution={execution} />
            </li>
          ))}
        </ul>
      ) : null}
      {due_next.length > 0 ? (
        <ul className="list" aria-label="Due next">
          {due_next.map(({ policy_id, policy_name, due_at }) => (
            <li key={policy_id} className="between">
              <Link href={`/lifecycle/policies/${policy_id}`}>{policy_name}</Link>
              <Ago ms={due_at} />
            </li>
          ))}
        </ul>
      ) : (
        <Empty>No policy has a schedule.</Empty>
      )}
      {schedule_enabled ? null : (
        <p className="hint">This server runs no policies by itself (--no-retention-schedule).</p>
      )}
    </Section>
  )
}
