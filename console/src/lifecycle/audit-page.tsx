// The audit: who changed which policy and how, and what executions did.
import { useId, useState } from 'react'
import { Link } from 'wouter'
import type { AuditEntry, PolicyDefinition } from '../api.ts'
import { Ago } from '../parts/marks.tsx'
import { Empty, Loaded, More, Section } from '../parts/page.tsx'
import { sayProgress } from '../parts/progress.tsx'
import { useAudit, usePolicies } from '../queries.ts'
import { AUDIT_KINDS, time } from '../words.ts'
import { LifecyclePage } from './frame.tsx'

export function AuditPage() {
  const [kind, setKind] = useState('')
  const [policyId, setPolicyId] = useState('')
  const audit = useAudit({ ...(kind && { kind }), ...(policyId && { policy_id: policyId }) })
  const policies = usePolicies()
  const id = useId()
  return (
    <LifecyclePage
      title="Audit"
      lead="Who changed which policy, what executions did, and who made and dropped materialized views."
    >
      <Section title="Newest first">
        <form className="filters" onSubmit={(event) => event.preventDefault()}>
          <label htmlFor={`${id}kind`}>Kind</label>
          <select id={`${id}kind`} value={kind} onChange={({ target }) => setKind(target.value)}>
            <option value="">any</option>
            {Object.entries(AUDIT_KINDS).map(([value, title]) => (
              <option key={value} value={value}>
                {title}
              </option>
            ))}
          </select>
          <label htmlFor={`${id}policy`}>Policy</label>
          <select id={`${id}policy`} value={policyId} onChange={({ target }) => setPolicyId(target.value)}>
            <option value="">any</option>
            {policies.data?.map(({ policy_id, name }) => (
              <option key={policy_id} value={policy_id}>
                {name}
              </option>
            ))}
          </select>
        </form>
        <Loaded of={audit}>
          {({ pages }) => {
            const entries = pages.flatMap((page) => page.entries)
            if (entries.length === 0)
              return (
                <Empty>{kind || policyId ? 'There is no such entry.' : 'Nothing has happened yet.'}</Empty>
              )
            const known = new Set(policies.data?.map(({ policy_id }) => policy_id))
            return (
              <ul className="list audit" aria-label="Entries of the audit">
                {entries.map((entry) => (
                  <Entry key={entry.audit_id} entry={entry} isThere={known.has(entry.policy_id)} />
                ))}
              </ul>
            )
          }}
        </Loaded>
        <More of={audit} />
      </Section>
    </LifecyclePage>
  )
}

function Entry({ entry, isThere }: { entry: AuditEntry; isThere: boolean }) {
  const { kind, policy_id, policy_name, user_id, timestamp, before, after, execution } = entry
  const differences = differencesOf(before, after)
  return (
    <li>
      <div className="between">
        <span>
          <strong>{AUDIT_KINDS[kind]}</strong>{' '}
          {isThere ? <Link href={`/lifecycle/policies/${policy_id}`}>{policy_name}</Link> : policy_name}
          {user_id ? ` by ${user_id}` : ''}
        </span>
        <span title={`${time(timestamp)} UTC`}>
          <Ago ms={timestamp} />
        </span>
      </div>
      {execution ? (
        <div>
          <Link href={`/lifecycle/executions/${execution.execution_id}`}>{sayProgress(execution)}</Link>
        </div>
      ) : null}
      {differences.length > 0 ? (
        <details>
          <summary>
            {before && after ? `${differences.map(({ field }) => field).join(', ')} changed` : 'What it said'}
          </summary>
          <dl className="pairs">
            {differences.map(({ field, was, is }) => (
              <div key={field}>
                <dt>{field}</dt>
                <dd>
                  {was === undefined ? null : <del>{was}</del>} {is === undefined ? null : <ins>{is}</ins>}
                </dd>
              </div>
            ))}
          </dl>
        </details>
      ) : null}
    </li>
  )
}

function differencesOf(before: PolicyDefinition | undefined, after: PolicyDefinition | undefined) {
  const say = (value: unknown) => {
    if (value === undefined || (Array.isArray(value) && value.length === 0)) return undefined
    return typeof value === 'string' ? value : JSON.stringify(value)
  }
  const [was, is] = [before, after] as (Record<string, unknown> | undefined)[]
  return [...new Set([...Object.keys(was ?? {}), ...Object.keys(is ?? {})])]
    .sort()
    .map((field) => ({ field, was: say(was?.[field]), is: say(is?.[field]) }))
    .filter(({ was, is }) => was !== is)
}
