// Executions of all policies, newest first.
import { useId, useState } from 'react'
import { Link } from 'wouter'
import type { Execution } from '../api.ts'
import { type Column, DataTable } from '../parts/data-table.tsx'
import { Ago, StateMark } from '../parts/marks.tsx'
import { Empty, Loaded, More, Section } from '../parts/page.tsx'
import { Progress } from '../parts/progress.tsx'
import { useExecutions } from '../queries.ts'
import { OWN, strategyName } from '../words.ts'
import { LifecyclePage } from './frame.tsx'

const STATES = ['running', 'succeeded', 'failed', 'cancelled']

export function ExecutionsPage() {
  const [state, setState] = useState('')
  const executions = useExecutions(state ? { state } : {})
  const id = useId()
  return (
    <LifecyclePage title="Executions" lead="Each time that a policy ran, by schedule or by hand.">
      <Section title="Newest first">
        <form className="filters" onSubmit={(event) => event.preventDefault()}>
          <label htmlFor={id}>State</label>
          <select id={id} value={state} onChange={({ target }) => setState(target.value)}>
            <option value="">any</option>
            {STATES.map((one) => (
              <option key={one}>{one}</option>
            ))}
          </select>
        </form>
        <Loaded of={executions}>
          {({ pages }) => {
            const all = pages.flatMap((page) => page.executions)
            return all.length > 0 ? (
              <DataTable
                caption="Executions"
                rows={all.map((execution) => ({ ...execution, key: execution.execution_id }))}
                columns={COLUMNS}
              />
            ) : (
              <Empty>{state ? `None is ${state}.` : 'No policy has run yet.'}</Empty>
            )
          }}
        </Loaded>
        <More of={executions} />
      </Section>
    </LifecyclePage>
  )
}

const COLUMNS: Column<Execution & { key: string }>[] = [
  { id: 'state', title: 'State', cell: ({ state }) => <StateMark state={state} /> },
  {
    id: 'policy',
    title: 'Policy',
    cell: ({ execution_id, policy_name }) => (
      <Link href={`/lifecycle/executions/${execution_id}`}>{policy_name}</Link>
    ),
  },
  {
    id: 'does',
    title: 'Does',
    cell: ({ strategy, target }) => `${strategyName(strategy)}: ${OWN[target] ?? target}`,
  },
  {
    id: 'by',
    title: 'By',
    cell: ({ cause, user_id }) => (cause === 'schedule' ? 'schedule' : (user_id ?? 'hand')),
  },
  { id: 'began', title: 'Began', cell: ({ started_at }) => <Ago ms={started_at} /> },
  { id: 'outcome', title: 'Outcome', cell: (execution) => <Progress execution={execution} /> },
]
