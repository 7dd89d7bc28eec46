// Begins the console: what it asks the server with, where its addresses begin, and its pages.
import { QueryClient, QueryClientProvider } from '@tanstack/react-query'
import { StrictMode } from 'react'
import { createRoot } from 'react-dom/client'
import { Router } from 'wouter'
import { ApiError, BASE } from './api.ts'
import { App } from './app.tsx'
import './style.css'

const MOST_RETRIES = 2

const client = new QueryClient({
  defaultOptions: {
    queries: {
      // What the server refuses, it refuses again.
      retry: (failures, error) =>
        failures < MOST_RETRIES && !(error instanceof ApiError && error.status < 500),
      staleTime: 2_000,
    },
  },
})

const root = document.getElementById('root')
if (root)
  createRoot(root).render(
    <StrictMode>
      <QueryClientProvider client={client}>
        <Router base={BASE}>
          <App />
        </Router>
      </QueryClientProvider>
    </StrictMode>,
  )
