// The frame of the pages about the lifecycle: where one is among policies, executions and audit.
import type { ReactNode } from 'react'
import { Link, useLocation } from 'wouter'
import { Page } from '../parts/page.tsx'

const PAGES = [
  { path: '/lifecycle/policies', title: 'Policies' },
  { path: '/lifecycle/executions', title: 'Executions' },
  { path: '/lifecycle/audit', title: 'Audit' },
]

export function LifecyclePage(props: {
  title: string
  lead?: ReactNode
  actions?: ReactNode
  children: ReactNode
}) {
  const [path] = useLocation()
  return (
    <>
      <nav aria-label="Lifecycle" className="tabs">
        {PAGES.map((page) => (
          <Link
            key={page.path}
            href={page.path}
            aria-current={path === page.path ? 'page' : path.startsWith(page.path) ? 'true' : undefined}
          >
            {page.title}
          </Link>
        ))}
      </nav>
      <Page {...props} />
    </>
  )
}
