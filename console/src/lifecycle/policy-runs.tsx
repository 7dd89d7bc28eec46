// A policy run now, how that goes, and how it went before.
import { Link } from 'wouter'
import type { Policy } from '../api.ts'
import { ConfirmButton } from '../parts/confirm.tsx'
import { Ago, StateMark } from '../parts/marks.tsx'
import { Empty, ErrorNote, Loaded, Section } from '../parts/page.tsx'
import { Announcer, announce, Progress } from '../parts/progress.tsx'
import { isRunning, useCancel, useExecutions, useRunPolicy } from '../queries.ts'
import { OWN, rangeOf, strategyName } from '../words.ts'

const SHOWN = 5

export function PolicyRuns({ policy, isChanged }: { policy: Policy; isChanged: boolean }) {
  const executions = useExecutions({ policy_id: policy.policy_id })
  const run = useRunPolicy()
  const cancel = useCancel()
  const all = executions.data?.pages.flatMap((page) => page.executions) ?? []
  const [latest] = all
  const isBusy = latest !== undefined && isRunning(latest)
  return (
    <Section
      title="Executions"
      aside={
        <ConfirmButton
          label={isBusy ? 'Running …' : 'Run now'}
          className="primary"
          question={`Run ${policy.name} now?`}
          confirm="Run it"
          isDisabled={run.isPending || isBusy}
          onConfirm={() => run.mutate(policy.policy_id)}
        >
          <p>
            {strategyName(policy.strategy)}: {OWN[policy.target] ?? policy.target}, {rangeOf(policy)}. What is
            deleted is gone for good.
          </p>
          {isChanged ? <p>Changes in the form that are not saved do not count.</p> : null}
        </ConfirmButton>
      }
    >
      <ErrorNote error={run.error ?? cancel.error} />
      <Loaded of={executions}>
        {() =>
          all.length > 0 ? (
            <ul className="list">
              {all.slice(0, SHOWN).map((execution) => (
                <li key={execution.execution_id}>
                  <div className="between">
                    <span>
                      <StateMark state={execution.state} />{' '}
                      <Link href={`/lifecycle/executions/${execution.execution_id}`}>
                        {execution.cause === 'schedule' ? 'by schedule' : `by ${execution.user_id ?? 'hand'}`}
                      </Link>
                    </span>
                    <Ago ms={execution.started_at} />
                  </div>
                  <div className="between">
                    <Progress execution={execution} />
                    {isRunning(execution) ? (
                      <button
                        type="button"
                        className="quiet"
                        disabled={execution.cancelling || cancel.isPending}
                        onClick={() => cancel.mutate(execution.execution_id)}
                      >
                        Cancel
                      </button>
                    ) : null}
                  </div>
                </li>
              ))}
            </ul>
          ) : (
            <Empty>It has not run yet.</Empty>
          )
        }
      </Loaded>
      {executions.isSuccess ? <Announcer text={latest ? announce(latest) : ''} /> : null}
    </Section>
  )
}
