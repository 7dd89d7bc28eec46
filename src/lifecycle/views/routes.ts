// REST of materialized views, below a prefix of this server's own.
import type { FastifyRequest } from 'fastify'
import { type Endpoint, endpoint } from '../../platform/http/route.ts'
import { askerOf } from '../../platform/wire/asker.ts'
import { userOf } from '../user.ts'
import * as schema from './schema.ts'
import type { ViewService } from './service.ts'

const tag = 'views'
const PATH = '/crateflow/1.0/views'

const by = (request: FastifyRequest) => ({ userId: userOf(request), asker: askerOf(request) })

/** What its endpoints call. */
type ViewsApi = Pick<ViewService, 'create' | 'refresh' | 'get' | 'list' | 'drop'>

export const viewEndpoints = (views: ViewsApi): Endpoint[] => [
  endpoint({
    method: 'POST',
    path: `${PATH}/create`,
    tag,
    summary: 'Keep the answer to a SELECT in a table (not part of MLflow)',
    request: schema.CreateView,
    response: schema.ViewAnswerWire,
    handle: async (input, request) => ({ view: await views.create(input, by(request)) }),
  }),
  endpoint({
    method: 'POST',
    path: `${PATH}/refresh`,
    tag,
    summary: 'Bring a materialized view up to date (not part of MLflow)',
    request: schema.RefreshView,
    response: schema.ViewAnswerWire,
    handle: async ({ name, full = false }) => ({ view: await views.refresh(name, full) }),
  }),
  endpoint({
    method: 'GET',
    path: `${PATH}/get`,
    tag,
    summary: 'A materialized view (not part of MLflow)',
    request: schema.GetView,
    response: schema.ViewAnswerWire,
    handle: async ({ name }) => ({ view: await views.get(name) }),
  }),
  endpoint({
    method: 'GET',
    path: `${PATH}/list`,
    tag,
    summary: 'List materialized views (not part of MLflow)',
    request: schema.ListViews,
    response: schema.ViewsWire,
    handle: (input) => views.list(input),
  }),
  endpoint({
    method: 'POST',
    path: `${PATH}/drop`,
    tag,
    summary: 'Drop a materialized view with its rows (not part of MLflow)',
    request: schema.DropView,
    response: schema.DroppedViewWire,
    handle: ({ name }, request) => views.drop(name, by(request)),
  }),
]
