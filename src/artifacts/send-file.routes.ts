// Sends artifacts: headers, parts of files and conditional answers, streamed with back-pressure.
import { randomBytes } from 'node:crypto'
import { PassThrough, Readable } from 'node:stream'
import type { FastifyReply, FastifyRequest } from 'fastify'
import { MlflowError, unavailable } from '../errors.ts'
import { httpDate, isUnchanged, parseRange, rangeApplies } from './ranges.ts'
import { describeFile, type Located } from './service.ts'

type Stat = Awaited<ReturnType<Located['store']['stat']>>
type Range = NonNullable<Parameters<Located['store']['open']>[1]>

/**
 * `streaming` is the way of the mlflow-artifacts endpoint: several ranges in one answer, no conditions.
 * `conditional` is the way of get-artifact and of every HEAD: 304 for what the client holds, one range.
 */
export type SendStyle = 'streaming' | 'conditional'

/**
 * Answers with a file, or the parts of it that the request asks for.
 * @throws DirectoryError, RESOURCE_DOES_NOT_EXIST
 * @see starlette.responses.FileResponse and werkzeug's make_conditional, which MLflow answers through
 */
export async function sendFile(
  request: FastifyRequest,
  reply: FastifyReply,
  located: Located,
  style: SendStyle,
) {
  const { store, path } = located
  const { headers } = request
  const isHead = request.method === 'HEAD'
  const isConditional = style === 'conditional' || isHead
  if (!isHead && !headers.range && !(isConditional && hasCondition(request))) {
    const opened = await store.open(path)
    describe(reply, path, opened, isConditional)
    return reply.header('content-length', opened.sizeBytes).send(opened.stream)
  }
  const stat = await store.stat(path)
  describe(reply, path, stat, isConditional)
  if (isConditional && isUnchanged(headers, stat)) return reply.code(304).removeHeader('content-type').send()
  const ignoresRange = isConditional && stat.totalBytes === 0
  if (headers.range === undefined || ignoresRange || !rangeApplies(headers, stat)) {
    return sendRanges(request, reply, located, { stat, ranges: undefined })
  }
  const asked = parseRange(headers.range, stat.totalBytes)
  if (asked.kind === 'whole') return sendRanges(request, reply, located, { stat, ranges: undefined })
  if (asked.kind === 'ranges' && (asked.ranges.length === 1 || !isConditional)) {
    return sendRanges(request, reply, located, { stat, ranges: asked.ranges })
  }
  return refuseRange(reply, stat, asked.kind === 'malformed' && !isConditional ? asked.reason : undefined)
}

const hasCondition = ({ headers }: FastifyRequest) =>
  headers['if-none-match'] !== undefined || headers['if-modified-since'] !== undefined

function describe(reply: FastifyReply, path: string, stat: Stat, isConditional: boolean): void {
  const { contentType, disposition } = describeFile(path)
  reply.headers({
    'content-type': contentType,
    'content-disposition': disposition,
    'x-content-type-options': 'nosniff',
    'accept-ranges': 'bytes',
    'last-modified': httpDate(stat.lastModified),
    etag: stat.etag,
    ...(isConditional && { 'cache-control': 'no-cache' }),
  })
}

function refuseRange(reply: FastifyReply, stat: Stat, reason: string | undefined) {
  for (const header of ['content-disposition', 'accept-ranges', 'last-modified', 'etag', 'cache-control']) {
    reply.removeHeader(header)
  }
  reply.type('text/plain; charset=utf-8')
  if (reason !== undefined) return reply.code(400).send(reason)
  return reply.code(416).header('content-range', `bytes */${stat.totalBytes}`).send('')
}

async function sendRanges(
  request: FastifyRequest,
  reply: FastifyReply,
  located: Located,
  { stat, ranges }: { stat: Stat; ranges: Range[] | undefined },
) {
  const body = ranges && ranges.length > 1 ? severalRanges(reply, located, { stat, ranges }) : undefined
  const range = ranges?.[0]
  const sizeBytes = body?.sizeBytes ?? (range ? range.end - range.start + 1 : stat.totalBytes)
  if (ranges) reply.code(206)
  if (range && !body) reply.header('content-range', `bytes ${range.start}-${range.end}/${stat.totalBytes}`)
  reply.header('content-length', sizeBytes)
  if (request.method === 'HEAD') return reply.send(Readable.from([]))
  return reply.send(body ? Readable.from(body.chunks()) : await openSame(located, stat, range))
}

/** Opens the state of the file that was described: it may have been replaced since. */
async function openSame({ store, path }: Located, stat: Stat, range: Range | undefined): Promise<Readable> {
  const opened = await store.open(path, range)
  if (opened.etag === stat.etag) return opened.stream
  opened.stream.destroy()
  throw unavailable(`The artifact '${path}' was replaced while it was read. Try again.`)
}

/** A multipart/byteranges answer. */
function severalRanges(
  reply: FastifyReply,
  located: Located,
  { stat, ranges }: { stat: Stat; ranges: Range[] },
) {
  const boundary = randomBytes(13).toString('hex')
  const type = describeFile(located.path).contentType
  reply.header('content-type', `multipart/byteranges; boundary=${boundary}`)
  const parts = ranges.map((range) => ({
    range,
    head: `--${boundary}\r\nContent-Type: ${type}\r\nContent-Range: bytes ${range.start}-${range.end}/${stat.totalBytes}\r\n\r\n`,
  }))
  const tail = `--${boundary}--`
  const sizeBytes = parts.reduce(
    (sum, { range, head }) => sum + head.length + (range.end - range.start + 1) + 2,
    tail.length,
  )
  async function* chunks() {
    for (const { range, head } of parts) {
      yield Buffer.from(head)
      yield* await openSame(located, stat, range)
      yield Buffer.from('\r\n')
    }
    yield Buffer.from(tail)
  }
  return { sizeBytes, chunks }
}

/**
 * Hands the body of a request over as it arrives. When its reader gives up, the rest is read away, so that the
 * client can still be told why, and can go on with the connection.
 */
export async function readBody<T>(request: FastifyRequest, read: (body: Readable) => Promise<T>): Promise<T> {
  const source = request.raw
  const body = new PassThrough()
  const breakOff = () => body.destroy(new MlflowError('BAD_REQUEST', 'The client broke the upload off.'))
  source.once('error', breakOff)
  source.once('close', () => {
    if (!source.readableEnded) breakOff()
  })
  // The reader is told when it reads; a client that goes away before must not end the process.
  body.on('error', () => {})
  source.pipe(body)
  try {
    return await read(body)
  } finally {
    source.unpipe(body)
    source.resume()
    body.destroy()
  }
}

/** The length a request announces; undefined for a chunked one. */
export function announcedBytes(request: FastifyRequest): number | undefined {
  const header = request.headers['content-length']
  return header === undefined ? undefined : Number(header)
}
