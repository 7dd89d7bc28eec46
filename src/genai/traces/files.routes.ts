// The files of a trace: its spans, and the attachments that clients have put to its artifacts.
import type { FastifyReply, FastifyRequest } from 'fastify'
import { z } from 'zod'
import { doesNotExist, MlflowError } from '../../errors.ts'
import { type Endpoint, endpoint } from '../../platform/http/route.ts'
import type { TraceReader } from './reading.service.ts'
import { GetTraceArtifact } from './schema.ts'

/** What traces need to know of artifacts, which live in another wing. */
export interface Files {
  /** @throws INVALID_PARAMETER_VALUE for a path that may lead elsewhere */
  checkPath: (path: string) => void
  /** Answers with the file of a path below an artifact root. @throws RESOURCE_DOES_NOT_EXIST */
  send: (request: FastifyRequest, reply: FastifyReply, rootUri: string, path: string) => Promise<FastifyReply>
}

const SPANS_FILE = 'traces.json'
const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/

/** @see mlflow/server/handlers.py get_trace_artifact_handler */
export function fileEndpoints(reader: TraceReader, files: Files): Endpoint[] {
  /** @throws `absent` when the trace's artifacts have no such file */
  async function sendFile(
    request: FastifyRequest,
    reply: FastifyReply,
    file: { traceId: string; path: string; absent: MlflowError },
  ) {
    const rootUri = await reader.artifactRoot(file.traceId)
    return files.send(request, reply, rootUri, file.path).catch((error) => {
      throw error instanceof MlflowError && error.code === 'RESOURCE_DOES_NOT_EXIST' ? file.absent : error
    })
  }

  return ['/2.0', '/3.0'].map((version) =>
    endpoint({
      method: 'GET',
      path: `${version}/mlflow/get-trace-artifact`,
      prefixes: ['/ajax-api'],
      tag: 'traces',
      summary: 'The spans of a trace as a file, or an attachment of it',
      request: GetTraceArtifact,
      response: z.string(),
      handle: async ({ request_id, path }, request, reply) => {
        if (!request_id) {
          throw new MlflowError('BAD_REQUEST', 'Request must include the "request_id" query parameter.')
        }
        if (path) {
          files.checkPath(path)
          checkAttachment(path)
          const file = `attachments/${path}`
          const absent = doesNotExist(`No such artifact: '${file}'`)
          return sendFile(request, reply, { traceId: request_id, path: file, absent })
        }
        const json = await reader.spansJson(request_id)
        if (json === undefined) {
          // Clients before MLflow 3.6 put their spans there.
          const absent = new MlflowError('NOT_FOUND', `Trace data not found for path=${SPANS_FILE}`)
          return sendFile(request, reply, { traceId: request_id, path: SPANS_FILE, absent })
        }
        return reply
          .header('content-disposition', `attachment; filename=${SPANS_FILE}`)
          .header('x-content-type-options', 'nosniff')
          .type('text/plain; charset=utf-8')
          .send(json)
      },
    }),
  )
}

/** Clients name attachments by UUIDs. @see mlflow/store/artifact/artifact_repo.py _validate_attachment_path */
function checkAttachment(path: string): void {
  if (UUID.test(path)) return
  const text = `Invalid attachment path: '${path}'. Attachment path must be a valid UUID.`
  throw new MlflowError('INVALID_PARAMETER_VALUE', text, { errorClass: 'ATTRIBUTE_NOT_FOUND' })
}
