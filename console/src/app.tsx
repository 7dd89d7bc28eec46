// The frame of the console: its head with the pages there are, and the page that the address names.
import { type MouseEvent, type ReactNode, useEffect, useRef } from 'react'
import { Link, Redirect, Route, Switch, useLocation } from 'wouter'
import { AuditPage } from './lifecycle/audit-page.tsx'
import { ExecutionPage } from './lifecycle/execution-page.tsx'
import { ExecutionsPage } from './lifecycle/executions-page.tsx'
import { PoliciesPage } from './lifecycle/policies-page.tsx'
import { NewPolicyPage, PolicyPage } from './lifecycle/policy-page.tsx'
import { OverviewPage } from './overview/overview-page.tsx'
import { Page } from './parts/page.tsx'

/** Written into the page by servers that have one. */
const HAS_UI = 'ui' in document.documentElement.dataset

/** Rooms of the console; later ones take their place here. */
const ROOMS = [
  { path: '/', title: 'Overview', isIn: (path: string) => path === '/' },
  {
    path: '/lifecycle/policies',
    title: 'Lifecycle',
    isIn: (path: string) => path.startsWith('/lifecycle'),
  },
]

export function App() {
  return (
    <>
      {/* biome-ignore lint/a11y/useValidAnchor: it leads to a place on the page */}
      <a className="skip" href="#main" onClick={skip}>
        Skip to the content
      </a>
      <Head />
      <Main>
        <Switch>
          <Route path="/" component={OverviewPage} />
          <Route path="/lifecycle">
            <Redirect to="/lifecycle/policies" replace />
          </Route>
          <Route path="/lifecycle/policies" component={PoliciesPage} />
          <Route path="/lifecycle/policies/new" component={NewPolicyPage} />
          <Route path="/lifecycle/policies/:id">{({ id }) => <PolicyPage key={id} policyId={id} />}</Route>
          <Route path="/lifecycle/executions" component={ExecutionsPage} />
          <Route path="/lifecycle/executions/:id">{({ id }) => <ExecutionPage executionId={id} />}</Route>
          <Route path="/lifecycle/audit" component={AuditPage} />
          <Route>
            <Page title="There is no such page">
              <p>
                The console has an <Link href="/">overview</Link> and{' '}
                <Link href="/lifecycle/policies">policies about old data</Link>.
              </p>
            </Page>
          </Route>
        </Switch>
      </Main>
    </>
  )
}

/** Addresses without a path begin at the base of the page, which is another one. */
function skip(event: MouseEvent) {
  event.preventDefault()
  document.getElementById('main')?.focus()
}

function Head() {
  const [path] = useLocation()
  return (
    <header className="head">
      <Link href="/" className="brand">
        <svg viewBox="0 0 32 32" width="22" height="22" aria-hidden="true">
          <rect width="32" height="32" rx="7" className="brand-ground" />
          <path d="M6 21c4 0 4-10 10-10s6 10 10 10M6 26h20" className="brand-line" />
        </svg>
        Crateflow
      </Link>
      <nav aria-label="Console">
        {ROOMS.map((room) => (
          <Link key={room.path} href={room.path} aria-current={room.isIn(path) ? 'page' : undefined}>
            {room.title}
          </Link>
        ))}
      </nav>
      <nav aria-label="Elsewhere on this server" className="elsewhere">
        {HAS_UI ? <a href="../">MLflow UI</a> : null}
        <a href="../docs">API</a>
      </nav>
    </header>
  )
}

/** Whoever follows a link begins at the top of the new page, readers of screens too. */
function Main({ children }: { children: ReactNode }) {
  const [path] = useLocation()
  const main = useRef<HTMLElement>(null)
  const shown = useRef(path)
  useEffect(() => {
    if (shown.current === path) return
    shown.current = path
    window.scrollTo(0, 0)
    main.current?.focus({ preventScroll: true })
  }, [path])
  return (
    <main id="main" ref={main} tabIndex={-1}>
      {children}
    </main>
  )
}
