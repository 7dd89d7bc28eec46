// What pages are made of: titles, sections, what is shown while something is loaded, fails, or is not there.
import { type ReactNode, useEffect, useId } from 'react'

export function Page({
  title,
  lead,
  actions,
  children,
}: {
  title: string
  lead?: ReactNode
  actions?: ReactNode
  children: ReactNode
}) {
  useEffect(() => {
    document.title = `${title} · Crateflow`
  }, [title])
  return (
    <>
      <div className="page-head">
        <div>
          <h1>{title}</h1>
          {lead ? <p className="lead">{lead}</p> : null}
        </div>
        {actions ? <div className="actions">{actions}</div> : null}
      </div>
      {children}
    </>
  )
}

export function Section({
  title,
  aside,
  children,
}: {
  title: string
  aside?: ReactNode
  children: ReactNode
}) {
  const id = useId()
  return (
    <section aria-labelledby={id} className="card">
      <div className="card-head">
        <h2 id={id}>{title}</h2>
        {aside ? <div className="aside">{aside}</div> : null}
      </div>
      {children}
    </section>
  )
}

/** The text of an error, told to readers of screens at once. */
export function ErrorNote({ error }: { error: unknown }) {
  if (!error) return null
  return (
    <p role="alert" className="note bad">
      {error instanceof Error ? error.message : String(error)}
    </p>
  )
}

export function Note({ kind = 'plain', children }: { kind?: 'plain' | 'warning'; children: ReactNode }) {
  return <div className={`note ${kind}`}>{children}</div>
}

export const Empty = ({ children }: { children: ReactNode }) => <p className="empty">{children}</p>

interface Asked<T> {
  data: T | undefined
  error: unknown
  isPending: boolean
}

/** Shows what was asked for once it is there; what failed beside what is known already. */
export function Loaded<T>({ of, children }: { of: Asked<T>; children: (data: T) => ReactNode }) {
  return (
    <>
      <ErrorNote error={of.error} />
      {of.data === undefined
        ? of.isPending && (
            <p className="empty" aria-busy="true">
              Loading …
            </p>
          )
        : children(of.data)}
    </>
  )
}

/** The next page of a list. */
export function More({
  of,
}: {
  of: { hasNextPage: boolean; isFetchingNextPage: boolean; fetchNextPage: () => unknown }
}) {
  if (!of.hasNextPage) return null
  return (
    <button
      type="button"
      className="more"
      disabled={of.isFetchingNextPage}
      onClick={() => void of.fetchNextPage()}
    >
      {of.isFetchingNextPage ? 'Loading …' : 'Show more'}
    </button>
  )
}
