// The pages of one policy: made, changed, previewed, run, deleted.
import { type SyntheticEvent, useEffect, useRef, useState } from 'react'
import { useLocation, useSearchParams } from 'wouter'
import { ApiError, type Policy } from '../api.ts'
import { ConfirmButton } from '../parts/confirm.tsx'
import { ErrorNote, Loaded } from '../parts/page.tsx'
import { useCheck, useDeletePolicy, useOverview, usePolicy, usePreview, useSavePolicy } from '../queries.ts'
import { time } from '../words.ts'
import {
  changesOf,
  type Draft,
  definitionOf,
  draftOf,
  fieldOf,
  isAboutTable,
  newDraft,
  type Problems,
  problemsOf,
} from './draft.ts'
import { LifecyclePage } from './frame.tsx'
import { Findings } from './policies-page.tsx'
import { PolicyFields } from './policy-form.tsx'
import { PolicyRuns } from './policy-runs.tsx'
import { Preview } from './preview.tsx'

export function NewPolicyPage() {
  const [parameters] = useSearchParams()
  const [, go] = useLocation()
  return (
    <LifecyclePage title="New policy" lead="It does nothing until it is run or scheduled.">
      <Editor
        draft={newDraft(parameters.get('target'))}
        onSaved={({ policy_id, version }) =>
          go(`/lifecycle/policies/${policy_id}`, { state: { saved: version } })
        }
      />
    </LifecyclePage>
  )
}

export function PolicyPage({ policyId }: { policyId: string }) {
  const policy = usePolicy(policyId)
  const [, go] = useLocation()
  const remove = useDeletePolicy()
  const [saved, setSaved] = useState<number | undefined>(window.history.state?.saved)
  const isGone = remove.isPending || remove.isSuccess
  return (
    <LifecyclePage
      title={policy.data?.name ?? 'Policy'}
      lead={
        policy.data
          ? `Version ${policy.data.version}, changed ${time(policy.data.updated_at)} UTC`
          : undefined
      }
      actions={
        policy.data ? (
          <ConfirmButton
            label="Delete policy"
            className="danger"
            question={`Delete the policy ${policy.data.name}?`}
            confirm="Delete it"
            onConfirm={() => remove.mutate(policyId, { onSuccess: () => go('/lifecycle/policies') })}
          >
            <p>Data stay as they are. What the policy did stays in the audit.</p>
          </ConfirmButton>
        ) : undefined
      }
    >
      <ErrorNote error={remove.error} />
      {isGone ? null : (
        <Loaded of={policy}>
          {(data) => (
            <Editor
              key={data.version}
              draft={draftOf(data)}
              policy={data}
              isSaved={data.version === saved}
              onSaved={({ version }) => setSaved(version)}
            />
          )}
        </Loaded>
      )}
    </LifecyclePage>
  )
}

function Editor({
  draft: initial,
  policy,
  isSaved,
  onSaved,
}: {
  draft: Draft
  /** Absent: a new one. */
  policy?: Policy
  isSaved?: boolean
  onSaved: (policy: Policy) => void
}) {
  const [draft, setDraft] = useState(initial)
  const [isTried, setTried] = useState(false)
  const overview = useOverview()
  const save = useSavePolicy()
  const preview = usePreview()
  const check = useCheck()
  const form = useRef<HTMLFormElement>(null)
  const [previewed, setPreviewed] = useState('')

  const definition = definitionOf(draft)
  const problems: Problems = {
    ...(isTried ? problemsOf(draft) : {}),
    ...refusal(save.error ?? preview.error, draft),
  }
  const isDenied = isAboutTable(draft) && overview.data?.may_change_tables === false
  const isChanged = policy === undefined || JSON.stringify(draft) !== JSON.stringify(initial)

  function change(changes: Partial<Draft>) {
    setDraft({ ...draft, ...changes })
    if (save.error) save.reset()
    if (preview.error) preview.reset()
  }

  /** Whether it can be sent; else whoever fills it in is led to what is wrong. */
  function isReady(): boolean {
    setTried(true)
    return Object.keys(problemsOf(draft)).length === 0
  }

  // Behind the drawing that shows it.
  const wrong = Object.keys(problems).join()
  useEffect(() => {
    if (wrong) form.current?.querySelector<HTMLElement>('[aria-invalid=true]')?.focus()
  }, [wrong])

  function submit(event: SyntheticEvent) {
    event.preventDefault()
    if (!isReady()) return
    save.mutate(
      { isNew: !policy, body: policy ? changesOf(policy, draft) : definition },
      {
        onSuccess: onSaved,
      },
    )
  }

  /** What it would touch does not depend on its name, which may come later. */
  function show() {
    const named = { ...draft, name: draft.name.trim() || 'new policy' }
    if (Object.keys(problemsOf(named)).length > 0) return setTried(true)
    preview.mutate(definitionOf(named), { onSuccess: () => setPreviewed(JSON.stringify(definition)) })
  }

  return (
    <>
      {isSaved && !isChanged ? (
        <p className="note good" role="status">
          Saved.
        </p>
      ) : null}
      <div className="editor">
        <form ref={form} className="card form" onSubmit={submit} noValidate aria-label="Policy">
          <PolicyFields
            draft={draft}
            isKept={policy !== undefined}
            problems={problems}
            overview={overview.data}
            onChange={change}
          />
          <ErrorNote error={save.error} />
          <div className="actions">
            <button
              type="submit"
              className="primary"
              disabled={save.isPending || isDenied || (!isChanged && policy !== undefined)}
            >
              {policy ? 'Save changes' : 'Make policy'}
            </button>
            <button type="button" disabled={preview.isPending || isDenied} onClick={show}>
              Preview
            </button>
            {policy ? (
              <button
                type="button"
                disabled={check.isPending}
                onClick={() => check.mutate([policy.policy_id])}
              >
                Check
              </button>
            ) : null}
          </div>
        </form>
        <div className="side">
          <Preview
            plan={preview.data}
            error={preview.error}
            isPending={preview.isPending}
            isOld={previewed !== '' && previewed !== JSON.stringify(definition)}
          />
          <ErrorNote error={check.error} />
          {check.data ? <Findings findings={check.data} /> : null}
          {policy ? <PolicyRuns policy={policy} isChanged={isChanged} /> : null}
        </div>
      </div>
    </>
  )
}

/** What the server refused, at the field that it speaks of. */
function refusal(error: unknown, draft: Draft): Problems {
  const field = error instanceof ApiError ? fieldOf(error.field, draft) : undefined
  return field && error instanceof ApiError ? { [field]: error.message } : {}
}
