// REST of policies about old data, below a prefix of this server's own.
import type { FastifyRequest } from 'fastify'
import { type Endpoint, endpoint } from '../../platform/http/route.ts'
import { askerOf } from '../../platform/wire/asker.ts'
import { userOf } from '../user.ts'
import type { RetentionApi } from './retention.service.ts'
import * as schema from './schema.ts'

const tag = 'retention'
const PATH = '/crateflow/1.0/retention'

const by = (request: FastifyRequest) => ({ userId: userOf(request), asker: askerOf(request) })

export function retentionEndpoints(retention: RetentionApi): Endpoint[] {
  const { policies, checks, executions, audit, overview } = retention
  return [
    endpoint({
      method: 'POST',
      path: `${PATH}/policies/create`,
      tag,
      summary: 'Make a policy about old data (not part of MLflow)',
      request: schema.CreatePolicy,
      response: schema.PolicyAnswerWire,
      handle: async (input, request) => ({ policy: await policies.create(input, by(request)) }),
    }),
    endpoint({
      method: 'POST',
      path: `${PATH}/policies/update`,
      tag,
      summary: 'Change what is given of a policy (not part of MLflow)',
      request: schema.UpdatePolicy,
      response: schema.PolicyAnswerWire,
      handle: async ({ policy_id, clear, ...changes }, request) => ({
        policy: await policies.update(policy_id, { changes, clear }, by(request)),
      }),
    }),
    endpoint({
      method: 'GET',
      path: `${PATH}/policies/get`,
      tag,
      summary: 'A policy (not part of MLflow)',
      request: schema.GetPolicy,
      response: schema.PolicyAnswerWire,
      handle: async ({ policy_id }) => ({ policy: await policies.get(policy_id) }),
    }),
    endpoint({
      method: 'GET',
      path: `${PATH}/policies/list`,
      tag,
      summary: 'List policies (not part of MLflow)',
      request: schema.ListPolicies,
      response: schema.PoliciesWire,
      handle: (input) => policies.list(input),
    }),
    endpoint({
      method: 'POST',
      path: `${PATH}/policies/delete`,
      tag,
      summary: 'Delete a policy; what it did stays in the audit (not part of MLflow)',
      request: schema.DeletePolicy,
      response: schema.DeletedPolicyWire,
      handle: async ({ policy_id }, request) => policies.delete(policy_id, by(request)),
    }),
    endpoint({
      method: 'POST',
      path: `${PATH}/policies/check`,
      tag,
      summary: 'Find policies that cannot work or contradict each other (not part of MLflow)',
      request: schema.CheckPolicies,
      response: schema.FindingsWire,
      handle: async (input) => ({ findings: await checks.check(input) }),
    }),
    endpoint({
      method: 'POST',
      path: `${PATH}/policies/preview`,
      tag,
      summary: 'What policies would do now, without doing it (not part of MLflow)',
      request: schema.PreviewPolicies,
      response: schema.PreviewWire,
      handle: async (input, request) => ({ plans: await executions.preview(input, askerOf(request)) }),
    }),
    endpoint({
      method: 'POST',
      path: `${PATH}/executions/run`,
      tag,
      summary: 'Begin to run policies; it goes on behind the answer (not part of MLflow)',
      request: schema.RunPolicies,
      response: schema.StartedWire,
      handle: async (input, request) => ({ executions: await executions.run(input, userOf(request)) }),
    }),
    endpoint({
      method: 'GET',
      path: `${PATH}/executions/get`,
      tag,
      summary: 'How a run of a policy goes or went, with its statements (not part of MLflow)',
      request: schema.GetExecution,
      response: schema.ExecutionAnswerWire,
      handle: (input) => executions.get(input),
    }),
    endpoint({
      method: 'GET',
      path: `${PATH}/executions/list`,
      tag,
      summary: 'List runs of policies (not part of MLflow)',
      request: schema.ListExecutions,
      response: schema.ExecutionsWire,
      handle: (input) => executions.list(input),
    }),
    endpoint({
      method: 'POST',
      path: `${PATH}/executions/cancel`,
      tag,
      summary: 'End a run of a policy before its next step (not part of MLflow)',
      request: schema.CancelExecution,
      response: schema.CancelledWire,
      handle: async ({ execution_id }) => ({ execution: await executions.cancel(execution_id) }),
    }),
    endpoint({
      method: 'GET',
      path: `${PATH}/audit/list`,
      tag,
      summary: 'List changes of policies and what their runs did (not part of MLflow)',
      request: schema.ListAudit,
      response: schema.AuditWire,
      handle: (input) => audit.list(input),
    }),
    endpoint({
      method: 'GET',
      path: `${PATH}/overview`,
      tag,
      summary:
        'What the database holds by table and partition, and which policies are due (not part of MLflow)',
      request: schema.GetOverview,
      response: schema.OverviewWire,
      handle: (_input, request) => overview(askerOf(request)),
    }),
  ]
}
