// What pages ask the server, and what changes make old.
import { useInfiniteQuery, useMutation, useQuery, useQueryClient } from '@tanstack/react-query'
import {
  type AuditEntry,
  api,
  type Execution,
  type ExecutionAnswer,
  type Finding,
  type Overview,
  type Plan,
  type Policy,
} from './api.ts'

const QUIET_MS = 30_000
const BUSY_MS = 1_000
const MOST = 1_000
const PAGE = 50

export function useOverview() {
  return useQuery({
    queryKey: ['overview'],
    queryFn: ({ signal }) => api.get<Overview>('overview', {}, signal),
    refetchInterval: ({ state }) => (state.data?.running.length ? BUSY_MS * 5 : QUIET_MS),
  })
}

export function usePolicies() {
  return useQuery({
    queryKey: ['policies'],
    async queryFn({ signal }) {
      const all: Policy[] = []
      let page_token: string | undefined
      do {
        const page = await api.get<{ policies: Policy[]; next_page_token?: string }>(
          'policies/list',
          { max_results: MOST, page_token },
          signal,
        )
        all.push(...page.policies)
        page_token = page.next_page_token
      } while (page_token)
      return all
    },
    refetchInterval: QUIET_MS,
  })
}

export function usePolicy(policyId: string) {
  return useQuery({
    queryKey: ['policies', policyId],
    queryFn: async ({ signal }) =>
      (await api.get<{ policy: Policy }>('policies/get', { policy_id: policyId }, signal)).policy,
  })
}

/** Newest first, a page at a time; asked for more often while any of them runs. */
export function useExecutions(filter: { policy_id?: string; state?: string } = {}) {
  return useInfiniteQuery({
    queryKey: ['executions', filter],
    queryFn: ({ pageParam, signal }) =>
      api.get<{ executions: Execution[]; next_page_token?: string }>(
        'executions/list',
        { ...filter, max_results: PAGE, page_token: pageParam },
        signal,
      ),
    initialPageParam: '',
    getNextPageParam: (last) => last.next_page_token,
    refetchInterval: ({ state }) =>
      state.data?.pages.some(({ executions }) => executions.some(isRunning)) ? BUSY_MS : QUIET_MS,
  })
}

export function useExecution(executionId: string) {
  return useInfiniteQuery({
    queryKey: ['execution', executionId],
    queryFn: ({ pageParam, signal }) =>
      api.get<ExecutionAnswer>(
        'executions/get',
        { execution_id: executionId, max_results: 200, page_token: pageParam },
        signal,
      ),
    initialPageParam: '',
    getNextPageParam: (last) => last.next_page_token,
    refetchInterval: ({ state }) => {
      const execution = state.data?.pages[0]?.execution
      return execution && isRunning(execution) ? BUSY_MS : false
    },
  })
}

export function useAudit(filter: { policy_id?: string; kind?: string }) {
  return useInfiniteQuery({
    queryKey: ['audit', filter],
    queryFn: ({ pageParam, signal }) =>
      api.get<{ entries: AuditEntry[]; next_page_token?: string }>(
        'audit/list',
        { ...filter, max_results: PAGE, page_token: pageParam },
        signal,
      ),
    initialPageParam: '',
    getNextPageParam: (last) => last.next_page_token,
    refetchInterval: QUIET_MS,
  })
}

export const isRunning = ({ state }: Execution): boolean => state === 'running'

/** A change: what pages show is asked for anew behind it. */
function useChange<Input, Answer>(change: (input: Input) => Promise<Answer>) {
  const client = useQueryClient()
  return useMutation({
    mutationFn: change,
    // Nobody waits for it: the page that asked may be another one by then.
    onSettled: () => void client.invalidateQueries(),
  })
}

export const useSavePolicy = () =>
  useChange(async ({ isNew, body }: { isNew: boolean; body: object }) => {
    const path = isNew ? 'policies/create' : 'policies/update'
    return (await api.post<{ policy: Policy }>(path, body)).policy
  })

export const useDeletePolicy = () =>
  useChange((policyId: string) => api.post('policies/delete', { policy_id: policyId }))

export const useRunPolicy = () =>
  useChange(
    async (policyId: string) =>
      (await api.post<{ executions: Execution[] }>('executions/run', { policy_ids: [policyId] })).executions,
  )

export const useCancel = () =>
  useChange((executionId: string) => api.post('executions/cancel', { execution_id: executionId }))

export const usePreview = () =>
  useMutation({
    mutationFn: async (policy: object) =>
      (await api.post<{ plans: Plan[] }>('policies/preview', { policy })).plans[0],
  })

/** Of one policy, or of all of them. */
export const useCheck = () =>
  useMutation({
    mutationFn: async (policyIds: string[]) =>
      (await api.post<{ findings: Finding[] }>('policies/check', { policy_ids: policyIds })).findings,
  })
