// Sends artifacts: headers, parts of files and conditional answers, streamed with back-pressure.
import { randomBytes } from 'node:crypto'
import { PassThrough, Readable } from 'node:stream'
import type { FastifyReply, FastifyRequest } from 'fastify'
import { MlflowError, unavailable } from '../errors.ts'
import { httpDate, isUnchanged, parseRange, type RangeAnswer, rangeApplies } from './ranges.ts'
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
  if (isConditional && isUnchanged(headers, stat)) {
    describe(reply, path, stat, isConditional)
    return reply.code(304).removeHeader('content-type').send()
  }
  const asked = askedRanges(request, stat, isConditional)
  if (asked.kind === 'malformed' && !isConditional) {
    return reply.code(400).type('text/plain; charset=utf-8').send(asked.reason)
  }
  if (asked.kind === 'malformed' || asked.kind === 'unsatisfiable') {
    reply.code(416).type('text/plain; charset=utf-8').header('content-range', `bytes */${stat.totalBytes}`)
    return reply.send('')
  }
  const ranges = asked.kind === 'ranges' ? asked.ranges : []
  // Opened before any header is set: a failure is answered with headers of its own.
  const { headers: rangeHeaders, stream } = await openRanges(located, { stat, ranges, isHead })
  describe(reply, path, stat, isConditional)
  return reply
    .headers(rangeHeaders)
    .code(ranges.length > 0 ? 206 : 200)
    .send(stream)
}

/** A browser that shows a file in spite of its disposition gives it neither script nor the origin of the web UI. */
const NO_SCRIPT = "default-src 'none'; sandbox"

const hasCondition = ({ headers }: FastifyRequest) =>
  headers['if-none-match'] !== undefined || headers['if-modified-since'] !== undefined

function askedRanges(request: FastifyRequest, stat: Stat, isConditional: boolean): RangeAnswer {
  const { range } = request.headers
  const ignoresRange = isConditional && stat.totalBytes === 0
  if (range === undefined || ignoresRange || !rangeApplies(request.headers, stat)) return { kind: 'whole' }
  const asked = parseRange(range, stat.totalBytes)
  const isTooMuch = isConditional && asked.kind === 'ranges' && asked.ranges.length > 1
  return isTooMuch ? { kind: 'unsatisfiable' } : asked
}

function describe(reply: FastifyReply, path: string, stat: Stat, isConditional: boolean): void {
  const { contentType, disposition } = describeFile(path)
  reply.headers({
    'content-type': contentType,
    'content-disposition': disposition,
    'x-content-type-options': 'nosniff',
    'content-security-policy': NO_SCRIPT,
    'accept-ranges': 'bytes',
    'last-modified': httpDate(stat.lastModified),
    etag: stat.etag,
    ...(isConditional && { 'cache-control': 'no-cache' }),
  })
}

const lengthOf = (range: Range) => range.end - range.start + 1

interface Opened {
  headers: Record<string, string | number>
  stream: Readable
}

/** The bytes of the whole file, of one range or of several, with the headers that tell which. */
async function openRanges(
  located: Located,
  { stat, ranges, isHead }: { stat: Stat; ranges: readonly Range[]; isHead: boolean },
): Promise<Opened> {
  if (ranges.length > 1) return framedRanges(located, stat, ranges)
  const [range] = ranges
  const headers = {
    'content-length': range ? lengthOf(range) : stat.totalBytes,
    ...(range && { 'content-range': `bytes ${range.start}-${range.end}/${stat.totalBytes}` }),
  }
  return { headers, stream: isHead ? Readable.from([]) : await openSame(located, stat, range) }
}

/** A multipart/byteranges answer, which opens each range when its turn comes. */
function framedRanges(located: Located, stat: Stat, ranges: readonly Range[]): Opened {
  const boundary = randomBytes(13).toString('hex')
  const type = describeFile(located.path).contentType
  const parts = ranges.map((range) => ({
    range,
    head: `--${boundary}\r\nContent-Type: ${type}\r\nContent-Range: bytes ${range.start}-${range.end}/${stat.totalBytes}\r\n\r\n`,
  }))
  const tail = `--${boundary}--`
  async function* chunks() {
    for (const { range, head } of parts) {
      yield Buffer.from(head)
      yield* await openSame(located, stat, range)
      yield Buffer.from('\r\n')
    }
    yield Buffer.from(tail)
  }
  const length = parts.reduce((sum, { range, head }) => sum + head.length + lengthOf(range) + 2, tail.length)
  const headers = { 'content-type': `multipart/byteranges; boundary=${boundary}`, 'content-length': length }
  return { headers, stream: Readable.from(chunks()) }
}

/** Opens the state of the file that was described: it may have been replaced since. */
async function openSame({ store, path }: Located, stat: Stat, range: Range | undefined): Promise<Readable> {
  const opened = await store.open(path, range)
  if (opened.etag === stat.etag) return opened.stream
  opened.stream.destroy()
  throw unavailable(`The artifact '${path}' was replaced while it was read. Try again.`)
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
