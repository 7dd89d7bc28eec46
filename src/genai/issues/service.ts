// MLflow's rules for issues that were found in traces.
import { randomUUID } from 'node:crypto'
import { doesNotExist, invalidParameter, MlflowError } from '../../errors.ts'
import type { Engine } from '../../platform/database/engine.ts'
import type { Clock } from '../../platform/wire/ids.ts'
import type { Parsed } from '../../platform/wire/message.ts'
import { checkLength } from '../../platform/wire/names.ts'
import { decodeOffset, encodeOffset } from '../../platform/wire/page-token.ts'
import { checkMaxResults } from '../../platform/wire/paging.ts'
import { pythonRepr } from '../../platform/wire/python.ts'
import type { CreateIssue, Issue, SearchIssues, UpdateIssue } from './schema.ts'
import { parseIssueFilter } from './search.ts'
import * as store from './store.ts'
import type { IssueRow } from './tables.ts'

const STATUSES = ['pending', 'rejected', 'resolved']
const SEVERITIES = ['not_an_issue', 'low', 'medium', 'high']
/** Widths of MLflow's columns, in characters. */
const MAX_NAME_LENGTH = 250
const MAX_CREATOR_LENGTH = 255
const DEFAULT_PAGE_SIZE = 100

export interface IssueServiceDeps {
  engine: Engine
  clock: Clock
  experiments: {
    /** The plain spelling of an id. @throws INVALID_PARAMETER_VALUE */
    parseId: (experimentId: string) => string
    /** The id of an experiment that is not deleted. @throws RESOURCE_DOES_NOT_EXIST */
    requireVisible: (experimentId: string) => Promise<string>
  }
  /** @throws RESOURCE_DOES_NOT_EXIST when there is no such run */
  getRun: (runId: string) => Promise<unknown>
}

export type IssueService = ReturnType<typeof createIssueService>

export function createIssueService({ engine, clock, experiments, getRun }: IssueServiceDeps) {
  /**
   * Makes an issue, pending unless told otherwise.
   * @throws RESOURCE_DOES_NOT_EXIST without its experiment, BAD_REQUEST without its run
   * @see mlflow/store/tracking/sqlalchemy_store.py create_issue
   */
  async function create(input: Parsed<typeof CreateIssue>): Promise<Issue> {
    const status = readOne('IssueStatus', STATUSES, input.status) ?? 'pending'
    const severity = readOne('IssueSeverity', SEVERITIES, input.severity) ?? null
    const name = checkLength('name', MAX_NAME_LENGTH, input.name)
    const createdBy = checkLength('created_by', MAX_CREATOR_LENGTH, input.created_by ?? '') || null
    const experimentId = await experiments.requireVisible(input.experiment_id)
    if (input.source_run_id) await requireRun(input.source_run_id)
    const nowMs = clock.now()
    const row: IssueRow = {
      issueId: `iss-${randomUUID().replaceAll('-', '')}`,
      experimentId,
      name,
      description: input.description,
      status,
      severity,
      rootCauses: writeList(input.root_causes),
      sourceRunId: input.source_run_id || null,
      categories: writeList(input.categories),
      createdTimestampMs: nowMs,
      lastUpdatedTimestampMs: nowMs,
      createdBy,
    }
    await store.insertIssue(engine, row)
    return toWire(row)
  }

  /** Stock has a foreign key to runs, whose violation it answers as a bad request. */
  async function requireRun(runId: string): Promise<void> {
    try {
      await getRun(runId)
    } catch (error) {
      if (!(error instanceof MlflowError && error.code === 'RESOURCE_DOES_NOT_EXIST')) throw error
      throw new MlflowError('BAD_REQUEST', error.message)
    }
  }

  async function get(issueId: string): Promise<Issue> {
    const row = await store.findIssue(engine, issueId)
    if (!row) throw notFound(issueId)
    return toWire(row)
  }

  /**
   * Changes what is given; empty texts of name and description leave them as they are.
   * @see mlflow/store/tracking/sqlalchemy_store.py update_issue
   */
  async function update(input: Parsed<typeof UpdateIssue>): Promise<Issue> {
    const status = readOne('IssueStatus', STATUSES, input.status)
    const severity = readOne('IssueSeverity', SEVERITIES, input.severity)
    const name = input.name && checkLength('name', MAX_NAME_LENGTH, input.name)
    const row = await store.updateIssue(engine, input.issue_id, {
      ...(status && { status }),
      ...(name && { name }),
      ...(input.description && { description: input.description }),
      ...(severity && { severity }),
      lastUpdatedTimestampMs: clock.now(),
    })
    if (!row) throw notFound(input.issue_id)
    return toWire(row)
  }

  /** A page of 100 issues unless told otherwise, 50,000 at most: the most severe first, then the newest; of as severe ones that of most traces if they are counted. */
  async function search(
    input: Parsed<typeof SearchIssues>,
  ): Promise<{ issues: Issue[]; nextPageToken: string }> {
    const pageSize = input.max_results ?? DEFAULT_PAGE_SIZE
    checkMaxResults(pageSize)
    const offset = decodeOffset(input.page_token)
    const rows = await store.searchIssues(engine, {
      experimentId: input.experiment_id ? experiments.parseId(input.experiment_id) : undefined,
      filter: parseIssueFilter(input.filter_string),
      countsTraces: input.include_trace_count ?? false,
      offset,
      limit: pageSize + 1,
    })
    return {
      issues: rows.slice(0, pageSize).map(({ traceCount, ...row }) => ({
        ...toWire(row),
        ...(traceCount !== undefined && { trace_count: traceCount }),
      })),
      nextPageToken: rows.length > pageSize ? encodeOffset(offset + pageSize) : '',
    }
  }

  return { create, get, update, search }
}

const notFound = (issueId: string) => doesNotExist(`Issue with ID '${issueId}' not found`)

/** Stock answers 500 to what is none of the values. */
function readOne(type: string, values: readonly string[], given: string | undefined): string | undefined {
  if (given === undefined || values.includes(given)) return given
  throw invalidParameter(`${pythonRepr(given)} is not a valid ${type}`)
}

const writeList = (items: readonly string[]) => (items.length > 0 ? JSON.stringify(items) : null)

const toWire = (row: IssueRow): Issue => ({
  issue_id: row.issueId,
  experiment_id: row.experimentId,
  name: row.name,
  description: row.description,
  status: row.status,
  ...(row.severity && { severity: row.severity }),
  ...(row.rootCauses && { root_causes: JSON.parse(row.rootCauses) as string[] }),
  ...(row.sourceRunId && { source_run_id: row.sourceRunId }),
  created_timestamp: row.createdTimestampMs,
  last_updated_timestamp: row.lastUpdatedTimestampMs,
  ...(row.createdBy && { created_by: row.createdBy }),
  ...(row.categories && { categories: JSON.parse(row.categories) as string[] }),
})
