// One execution: how far it is, and its statements.
import { Link } from 'wouter'
import type { Execution, ExecutionAnswer } from '../api.ts'
import { type Column, DataTable } from '../parts/data-table.tsx'
import { StateMark } from '../parts/marks.tsx'
import { Empty, ErrorNote, Loaded, More, Section } from '../parts/page.tsx'
import { Announcer, announce, Progress } from '../parts/progress.tsx'
import { isRunning, useCancel, useExecution } from '../queries.ts'
import { bytes, count, duration, OWN, strategyName, time } from '../words.ts'
import { LifecyclePage } from './frame.tsx'

type Step = ExecutionAnswer['steps'][number]

export function ExecutionPage({ executionId }: { executionId: string }) {
  const answer = useExecution(executionId)
  const cancel = useCancel()
  const execution = answer.data?.pages[0]?.execution
  return (
    <LifecyclePage
      title={execution ? `Execution of ${execution.policy_name}` : 'Execution'}
      lead={execution ? `Began ${time(execution.started_at)} UTC` : undefined}
      actions={
        execution && isRunning(execution) ? (
          <button
            type="button"
            className="danger"
            disabled={execution.cancelling || cancel.isPending}
            onClick={() => cancel.mutate(executionId)}
          >
            {execution.cancelling ? 'Ends with this step …' : 'Cancel'}
          </button>
        ) : undefined
      }
    >
      <ErrorNote error={cancel.error} />
      <Loaded of={answer}>
        {({ pages }) => {
          const steps = pages.flatMap((page) => page.steps)
          return (
            <>
              {execution ? <Facts execution={execution} /> : null}
              <Section title="Steps">
                {steps.length > 0 ? (
                  <DataTable
                    caption="Steps"
                    rows={steps.map((step) => ({ ...step, key: String(step.number) }))}
                    columns={COLUMNS}
                  />
                ) : (
                  <Empty>There is no step.</Empty>
                )}
                <More of={answer} />
              </Section>
            </>
          )
        }}
      </Loaded>
      {execution ? <Announcer text={announce(execution)} /> : null}
    </LifecyclePage>
  )
}

function Facts({ execution }: { execution: Execution }) {
  const { state, policy_id, policy_name, strategy, target, cutoff, cause, user_id } = execution
  return (
    <Section title="Outcome" aside={<StateMark state={state} />}>
      <Progress execution={execution} />
      <dl className="pairs">
        <dt>Policy</dt>
        <dd>
          <Link href={`/lifecycle/policies/${policy_id}`}>{policy_name}</Link>
        </dd>
        <dt>Does</dt>
        <dd>
          {strategyName(strategy)}: {OWN[target] ?? <code>{target}</code>}
        </dd>
        <dt>Older than</dt>
        <dd>{time(cutoff)} UTC</dd>
        <dt>Begun by</dt>
        <dd>{cause === 'schedule' ? 'its schedule' : (user_id ?? 'hand')}</dd>
      </dl>
    </Section>
  )
}

const COLUMNS: Column<Step & { key: string }>[] = [
  { id: 'number', title: 'No.', isNumber: true, cell: ({ number }) => number },
  { id: 'state', title: 'State', cell: ({ state }) => <StateMark state={state} /> },
  {
    id: 'statement',
    title: 'Statement',
    cell: ({ statement, partition, message }) => (
      <>
        <code>{statement}</code>
        {partition ? <div className="hint">{partition}</div> : null}
        {message ? <div className="problem">{message}</div> : null}
      </>
    ),
  },
  { id: 'rows', title: 'Rows', isNumber: true, cell: ({ rows }) => count(rows) },
  { id: 'bytes', title: 'Size', isNumber: true, cell: (step) => bytes(step.bytes) },
  {
    id: 'took',
    title: 'Took',
    isNumber: true,
    cell: ({ duration_ms }) => (duration_ms === undefined ? '–' : duration(duration_ms)),
  },
]
