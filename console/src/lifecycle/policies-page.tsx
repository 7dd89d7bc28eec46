// All policies, with what they do and when; checked together.
import { Link } from 'wouter'
import type { Finding, Policy } from '../api.ts'
import { type Column, DataTable } from '../parts/data-table.tsx'
import { Ago, VerdictMark } from '../parts/marks.tsx'
import { Empty, ErrorNote, Loaded, Section } from '../parts/page.tsx'
import { useCheck, usePolicies } from '../queries.ts'
import { count, OWN, scheduleOf, strategyName } from '../words.ts'
import { LifecyclePage } from './frame.tsx'

export function PoliciesPage() {
  const policies = usePolicies()
  const check = useCheck()
  return (
    <LifecyclePage
      title="Policies"
      lead="What becomes of old data: deleted, thinned out, moved, or put into snapshots."
      actions={
        <>
          <button type="button" disabled={check.isPending} onClick={() => check.mutate([])}>
            {check.isPending ? 'Checking …' : 'Check all'}
          </button>
          <Link href="/lifecycle/policies/new" className="button primary">
            New policy
          </Link>
        </>
      }
    >
      <ErrorNote error={check.error} />
      {check.data ? <Findings findings={check.data} /> : null}
      <Loaded of={policies}>
        {(all) =>
          all.length > 0 ? (
            <Section title={all.length === 1 ? '1 policy' : `${count(all.length)} policies`}>
              <DataTable
                caption="Policies"
                rows={all.map((policy) => ({ ...policy, key: policy.policy_id }))}
                columns={COLUMNS}
                initialSort={[{ id: 'name', desc: false }]}
              />
            </Section>
          ) : (
            <Section title="No policies yet">
              <Empty>
                Without any, everything is kept.{' '}
                <Link href="/lifecycle/policies/new">Make the first one</Link>: it can be previewed before it
                is kept, and does nothing until it is run or scheduled.
              </Empty>
            </Section>
          )
        }
      </Loaded>
    </LifecyclePage>
  )
}

const COLUMNS: Column<Policy & { key: string }>[] = [
  {
    id: 'name',
    title: 'Name',
    value: ({ name }) => name,
    cell: ({ policy_id, name, tags }) => (
      <>
        <Link href={`/lifecycle/policies/${policy_id}`}>{name}</Link>
        {tags.map((tag) => (
          <span key={tag} className="tag">
            {tag}
          </span>
        ))}
      </>
    ),
  },
  {
    id: 'target',
    title: 'About',
    value: ({ target }) => target,
    cell: ({ target }) => OWN[target] ?? <code>{target}</code>,
  },
  {
    id: 'strategy',
    title: 'Does',
    value: ({ strategy }) => strategyName(strategy),
    cell: ({ strategy }) => strategyName(strategy),
  },
  {
    id: 'age',
    title: 'Older than',
    value: ({ duration_ms }) => duration_ms,
    cell: ({ ladder, duration }) => <code>{ladder ?? duration}</code>,
  },
  { id: 'schedule', title: 'Schedule', value: scheduleOf, cell: scheduleOf },
  {
    id: 'due',
    title: 'Next',
    value: ({ next_due_at }) => next_due_at,
    cell: ({ next_due_at }) => (next_due_at === undefined ? '–' : <Ago ms={next_due_at} />),
  },
]

const VERDICTS = ['failure', 'warning', 'ok']

export function Findings({ findings }: { findings: Finding[] }) {
  const worstFirst = findings.toSorted((a, b) => VERDICTS.indexOf(a.verdict) - VERDICTS.indexOf(b.verdict))
  const bad = findings.filter(({ verdict }) => verdict !== 'ok').length
  return (
    <Section title="Check" aside={bad === 0 ? 'nothing to mend' : `${bad} of ${findings.length} to look at`}>
      <ul className="list findings" aria-live="polite">
        {worstFirst.map(({ policy_id, policy_name, verdict, code, message }) => (
          <li key={`${policy_id} ${code} ${message}`}>
            <VerdictMark verdict={verdict} />
            <div>
              {policy_id ? (
                <Link href={`/lifecycle/policies/${policy_id}`}>{policy_name ?? policy_id}</Link>
              ) : null}{' '}
              {message}
            </div>
          </li>
        ))}
      </ul>
    </Section>
  )
}
