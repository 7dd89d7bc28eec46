// What a policy would do now: how much, and by which statements.
import type { Plan } from '../api.ts'
import { Empty, ErrorNote, Section } from '../parts/page.tsx'
import { bytes, count, counted, time } from '../words.ts'

const MOST_SHOWN = 50

export function Preview({
  plan,
  error,
  isPending,
  isOld,
}: {
  plan: Plan | undefined
  error: unknown
  isPending: boolean
  /** The form says something else by now. */
  isOld: boolean
}) {
  return (
    <Section title="Preview" aside={plan ? `as of ${time(plan.cutoff)} UTC and older` : undefined}>
      <div aria-live="polite" aria-busy={isPending}>
        {isPending ? <Empty>Counting what it would touch …</Empty> : null}
        {!isPending && error ? <ErrorNote error={error} /> : null}
        {!isPending && !error && plan ? (
          <>
            {isOld ? (
              <p className="note warning">
                The form has changed since. Preview again to see what it would do.
              </p>
            ) : null}
            <PlanText plan={plan} />
          </>
        ) : null}
        {!isPending && !error && !plan ? (
          <Empty>Nothing is deleted by a preview: it counts what the policy would touch.</Empty>
        ) : null}
      </div>
    </Section>
  )
}

function PlanText({ plan }: { plan: Plan }) {
  if (plan.step_count === 0) return <p className="big">Nothing is that old: it would touch nothing.</p>
  return (
    <>
      <p className="big">
        It would touch <strong>{counted(plan.rows, 'row')}</strong>
        {plan.bytes > 0 ? `, ${bytes(plan.bytes)}` : ''}, in {counted(plan.step_count, 'step')}.
      </p>
      <ol className="steps">
        {plan.steps.slice(0, MOST_SHOWN).map(({ statement, partition, rows, bytes: size }) => (
          <li key={`${statement} ${partition}`}>
            <code>{statement}</code>
            <span className="hint">
              {[partition, rows === undefined ? '' : counted(rows, 'row'), size ? bytes(size) : '']
                .filter(Boolean)
                .join(' · ')}
            </span>
          </li>
        ))}
      </ol>
      {plan.step_count > MOST_SHOWN ? (
        <p className="hint">and {count(plan.step_count - MOST_SHOWN)} more</p>
      ) : null}
    </>
  )
}
