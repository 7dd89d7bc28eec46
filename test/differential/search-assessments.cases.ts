// Cases of searches over traces by their assessments, and of issues by their traces.
import { assess, expectation, feedback, issue } from './assessments.cases.ts'
import { type Case, createExperiment, post, type Step, send } from './cases.ts'
import { API3, attributes, exported, span, text, traceId } from './traces-otlp.cases.ts'
import { info } from './traces-writing.cases.ts'

const search = (filter: string, more: object = {}): Step =>
  post(`${API3}traces/search`, {
    locations: [info().trace_location],
    filter,
    order_by: ['timestamp ASC'],
    ...more,
  })

const trace = (number: number, session?: string): Step =>
  exported([
    span(number, {
      traceId: traceId(number),
      attributes: session === undefined ? [] : attributes({ 'session.id': text(session) }),
    }),
  ])
const assessed = (number: number, assessment: object, save?: string): Step =>
  assess(assessment, save, {}, number)
const ofSession = { metadata: { 'mlflow.trace.session': 'whatever', other: 'x' } }

/** Traces that differ in their assessments. The ninth has none. */
const DATA: Step[] = [
  createExperiment('e'),
  ...[1, 2, 3, 4, 9].map((number) => trace(number)),
  ...[5, 6].map((number) => trace(number, 's1')),
  ...[7, 8].map((number) => trace(number, 's2')),
  assessed(1, feedback('quality', 'yes')),
  assessed(1, feedback('score', 0.25)),
  assessed(1, feedback('both', 1)),
  assessed(1, expectation('answer', 'Wörld 100%')),
  assessed(2, feedback('quality', 'no')),
  assessed(2, feedback('score', 5)),
  assessed(2, expectation('both', 1)),
  assessed(2, expectation('answer', { a: [1, 'x'] })),
  assessed(3, feedback('quality', true)),
  assessed(3, feedback('score', '5')),
  assessed(3, feedback('quality', 'no')),
  assessed(3, expectation('answer', 'x'.repeat(9000))),
  assessed(4, feedback('quality', null, { feedback: { error: { error_code: 'E' } } })),
  assessed(4, feedback('score', -3)),
  assessed(4, feedback('old', 'no'), 'old'),
  assessed(4, feedback('old', 'yes', { overrides: '<old>' })),
  assessed(4, feedback('with.dots and spaces', 'a\\b')),
  assessed(5, feedback('session', 'yes', ofSession)),
  assessed(6, feedback('alone', 'yes')),
  assessed(7, feedback('session', 3, ofSession)),
  assessed(8, expectation('session', 'yes')),
  assessed(1, issue('iss-1')),
  assessed(2, issue('iss-1')),
  assessed(2, issue('iss-2')),
]

const FILTERS = [
  "feedback.quality = 'yes'",
  "feedback.quality != 'yes'",
  "feedback.quality = 'true'",
  "feedback.quality = 'null'",
  "feedback.quality != 'null'",
  'feedback.quality = \'"yes"\'',
  "feedback.quality LIKE 'yes'",
  "feedback.quality LIKE '%yes%'",
  "feedback.quality ILIKE '%YE_%'",
  "feedback.quality like '\"n%'",
  'feedback.quality IS NULL',
  'feedback.quality IS NOT NULL',
  'feedback.quality is not null',
  "feedback.quality RLIKE '^.(yes|no).$'",
  "feedback.quality RLIKE '^t'",
  "feedback.score RLIKE '^-?[0-9]+$'",
  "expectation.answer RLIKE 'x{9}'",
  "expectation.answer RLIKE '^.W.u00f6rld [0-9]+%'",
  "feedback.session RLIKE 'es'",
  "feedback.score = '5'",
  "feedback.score = '5.0'",
  "feedback.score != '5'",
  'feedback.score > 0',
  'feedback.score >= 0.25',
  'feedback.score < 0',
  'feedback.score <= 5',
  'feedback.score > 5',
  'feedback.score > -10 AND feedback.score < 1',
  'feedback.quality > 0',
  'feedback.both > 0',
  'expectation.both > 0',
  'expectation.both IS NULL',
  "expectation.answer = 'Wörld 100%'",
  "expectation.answer LIKE '%Wörld%'",
  "expectation.answer LIKE '%W\\u00f6rld%'",
  "expectation.answer LIKE '%100%'",
  'expectation.answer = \'{"a": [1.0, "x"]}\'',
  "expectation.answer LIKE '%[1%'",
  `expectation.answer = '${'x'.repeat(9000)}'`,
  `expectation.answer != '${'x'.repeat(9000)}'`,
  "expectation.answer LIKE '%xxx%'",
  "expectation.answer != 'a'",
  "feedback.old = 'no'",
  "feedback.old = 'yes'",
  'feedback.old IS NOT NULL',
  "feedback.`with.dots and spaces` = 'a\\b'",
  "feedback.`with.dots and spaces` LIKE '%\\\\%'",
  "feedback.session = 'yes'",
  'feedback.session > 1',
  'feedback.session IS NOT NULL',
  'feedback.session IS NULL',
  "feedback.session != 'yes'",
  "expectation.session = 'yes'",
  'feedback.alone IS NOT NULL',
  'feedback.alone IS NULL AND feedback.session IS NOT NULL',
  "issue.id = 'iss-1'",
  "issue.id = 'iss-1' AND issue.id = 'iss-2'",
  "issue.id = 'iss-none'",
  "feedback.quality = 'no' AND expectation.answer IS NOT NULL AND status = 'OK'",
  "feedback.none = 'x'",
  'feedback.none IS NULL',
  "feedback.name = 'x'",
  "feedback.run_id = 'x'",
  "feedback.timestamp = 'x'",
]

const REFUSED = [
  "feedback.score > '5'",
  "feedback.score > 'x'",
  'feedback.score = 5',
  'feedback.score != 0.5',
  'feedback.score LIKE 5',
  "feedback.quality IN ('yes')",
  "feedback.quality NOT IN ('yes')",
  "feedback.quality > ('yes')",
  'feedback.quality = yes',
  'feedback.quality = true',
  'expectation.score = 5',
  "feedback. = 'x'",
  "feedback.`` = 'x'",
  "feedback = 'x'",
  "assessment.quality = 'x'",
  "issue.id != 'iss-1'",
  "issue.id LIKE 'iss%'",
  'issue.id IS NULL',
  'issue.id = 5',
  "issue.id IN ('iss-1')",
  "issue.name = 'x'",
  "issue.status = 'x'",
]

const issuesOf = (more: object = {}): Step =>
  post(`${API3}issues/search`, { experiment_id: '<e>', include_trace_count: true, ...more })
const newIssue = (name: string, more: object = {}): Step =>
  post(
    `${API3}issues`,
    { name, description: 'd', experiment_id: '<e>', ...more },
    { save: { [name]: 'issue.issue_id' } },
  )

export const searchAssessmentCases: Case[] = [
  {
    title: 'finds traces by their assessments',
    steps: [...DATA, ...FILTERS.map((filter) => search(filter))],
  },
  {
    title: 'refuses filters on assessments',
    steps: [
      createExperiment('e'),
      ...REFUSED.map((filter) => search(filter)),
      search('', { order_by: ['feedback.x'] }),
    ],
  },
  {
    title: 'looks for sessions in the searched experiments alone',
    steps: [
      createExperiment('e'),
      createExperiment('f'),
      trace(1, 's'),
      exported([span(2, { traceId: traceId(2), attributes: attributes({ 'session.id': text('s') }) })], {
        headers: { 'x-mlflow-experiment-id': '<f>' },
      }),
      assessed(2, feedback('q', 'yes', ofSession)),
      search("feedback.q = 'yes'"),
      search("feedback.q = 'yes'", {
        locations: ['<e>', '<f>'].map((experiment_id) => ({
          type: 'MLFLOW_EXPERIMENT',
          mlflow_experiment: { experiment_id },
        })),
      }),
      search('feedback.q IS NULL'),
    ],
  },
  {
    title: 'counts the traces of issues',
    steps: [
      createExperiment('e'),
      ...[1, 2, 3].map((number) => trace(number)),
      newIssue('none'),
      newIssue('one'),
      newIssue('two'),
      newIssue('severe', { severity: 'high' }),
      assessed(1, issue('<one>')),
      assessed(1, issue('<one>', { rationale: 'twice' })),
      assessed(1, issue('<two>'), 'a'),
      assessed(2, issue('<two>')),
      assessed(3, feedback('<none>', 1)),
      issuesOf(),
      issuesOf({ max_results: 2 }),
      issuesOf({ filter_string: "status = 'pending'" }),
      issuesOf({ include_trace_count: false }),
      send('DELETE', `${API3}traces/tr-${traceId(1)}/assessments/<a>`),
      issuesOf(),
      post(`${API3}traces/delete-traces`, { experiment_id: '<e>', request_ids: [`tr-${traceId(1)}`] }),
      issuesOf(),
    ],
  },
]
