// Messages of assessments.
import { z } from 'zod'
import { bool, enumeration, message, text } from '../../platform/wire/message.ts'
import { anyValue, fieldMask, textMap, timestamp } from '../../platform/wire/well-known.ts'

const SOURCE_TYPES = { SOURCE_TYPE_UNSPECIFIED: 0, HUMAN: 1, LLM_JUDGE: 2, CODE: 3 } as const

const ErrorWire = z
  .object({
    error_code: z.string(),
    error_message: z.string().optional(),
    stack_trace: z.string().optional().describe('The last 10,000 characters of it'),
  })
  .meta({ id: 'AssessmentError' })

export const AssessmentWire = z
  .object({
    assessment_id: z.string().describe('a- and 32 hex digits'),
    assessment_name: z.string(),
    trace_id: z.string(),
    span_id: z.string().optional(),
    source: z.object({
      source_type: z.enum(Object.keys(SOURCE_TYPES) as [keyof typeof SOURCE_TYPES]),
      source_id: z.string().optional(),
    }),
    create_time: z.string().describe('RFC 3339, in milliseconds'),
    last_update_time: z.string(),
    feedback: z.object({ value: z.unknown(), error: ErrorWire.optional() }).optional(),
    expectation: z
      .object({
        value: z.unknown().optional(),
        serialized_value: z.object({ serialization_format: z.string(), value: z.string() }).optional(),
      })
      .optional(),
    issue: z.object({ issue_name: z.string() }).optional(),
    rationale: z.string().optional(),
    metadata: z.record(z.string(), z.string()).optional(),
    overrides: z.string().optional(),
    valid: z.boolean().describe('Not while another assessment overrides it'),
  })
  .meta({ id: 'Assessment' })
export type AssessmentOut = z.infer<typeof AssessmentWire>

/** An assessment as clients send it. One of `feedback`, `expectation` and `issue` tells its kind. */
export const Assessment = message('AssessmentInput', {
  assessment_id: text().optional(),
  assessment_name: text().optional(),
  span_id: text().optional(),
  source: message('AssessmentSource', {
    source_type: enumeration(SOURCE_TYPES).optional(),
    source_id: text().optional(),
  }).optional(),
  create_time: timestamp().optional(),
  last_update_time: timestamp().optional(),
  feedback: message('FeedbackInput', {
    value: anyValue().optional(),
    error: message('AssessmentErrorInput', {
      error_code: text().optional(),
      error_message: text().optional(),
      stack_trace: text().optional(),
    }).optional(),
  }).optional(),
  expectation: message('ExpectationInput', {
    value: anyValue().optional(),
    serialized_value: message('SerializedValue', {
      serialization_format: text().optional(),
      value: text().optional(),
    }).optional(),
  }).optional(),
  issue: message('IssueReferenceInput', { issue_name: text().optional() }).optional(),
  rationale: text().optional(),
  metadata: textMap().optional(),
  overrides: text().optional(),
  valid: bool().optional(),
})
export type AssessmentInput = z.output<typeof Assessment>

export const CreateAssessment = message('CreateAssessment', { trace_id: text(), assessment: Assessment })
export const GetAssessment = message('GetAssessment', { trace_id: text(), assessment_id: text() })
export const UpdateAssessment = message('UpdateAssessment', {
  trace_id: text(),
  assessment_id: text(),
  assessment: Assessment,
  update_mask: fieldMask(),
})
export const DeleteAssessment = message('DeleteAssessment', { trace_id: text(), assessment_id: text() })
