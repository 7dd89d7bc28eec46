// REST of assessments.
import { z } from 'zod'
import { type Endpoint, endpoint } from '../../platform/http/route.ts'
import {
  AssessmentWire,
  CreateAssessment,
  DeleteAssessment,
  GetAssessment,
  UpdateAssessment,
} from './schema.ts'
import type { AssessmentService } from './service.ts'

const PATH = '/3.0/mlflow/traces/:trace_id/assessments'
const tag = 'assessments'
const OneAssessment = z.object({ assessment: AssessmentWire })

export const assessmentEndpoints = (assessments: AssessmentService): Endpoint[] => [
  endpoint({
    method: 'POST',
    path: PATH,
    tag,
    summary: 'Adds feedback, an expectation or a reference to an issue to a trace',
    request: CreateAssessment,
    response: OneAssessment,
    handle: async (input) => ({ assessment: await assessments.create(input.trace_id, input.assessment) }),
  }),
  endpoint({
    method: 'GET',
    path: `${PATH}/:assessment_id`,
    tag,
    summary: 'An assessment of a trace',
    request: GetAssessment,
    response: OneAssessment,
    handle: async (input) => ({ assessment: await assessments.get(input.trace_id, input.assessment_id) }),
  }),
  endpoint({
    method: 'PATCH',
    path: `${PATH}/:assessment_id`,
    tag,
    summary: 'Changes what the mask names; metadata is added to what is there',
    request: UpdateAssessment,
    response: OneAssessment,
    handle: async (input) => ({ assessment: await assessments.update(input) }),
  }),
  endpoint({
    method: 'DELETE',
    path: `${PATH}/:assessment_id`,
    tag,
    summary: 'Deletes an assessment; what it overrode is valid again',
    request: DeleteAssessment,
    response: z.object({}),
    handle: (input) => assessments.delete(input.trace_id, input.assessment_id),
  }),
]
