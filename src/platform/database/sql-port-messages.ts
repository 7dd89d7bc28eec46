// Messages of PostgreSQL's wire protocol as clients of the SQL port send and get them.
import { frame, int16, int32, zeroEnded } from './pglite-frames.ts'

/** Bytes of a message of a client at most: statements are short, and values are few. */
export const MAX_MESSAGE = 1024 * 1024
/** What a connection may begin with instead of a version of the protocol. */
export const SSL_REQUEST = 80877103
export const GSS_REQUEST = 80877104
export const CANCEL_REQUEST = 80877102

export interface ClientMessage {
  type: string
  body: Buffer
}

export class ProtocolError extends Error {}

/** Reads the parts of a message one after the other. @throws ProtocolError behind its end */
export function createBodyReader(body: Buffer) {
  let at = 0
  const need = (bytes: number) => {
    if (bytes < 0 || at + bytes > body.length) throw new ProtocolError('A message is too short.')
    at += bytes
    return at - bytes
  }
  return {
    int16: () => body.readInt16BE(need(2)),
    int32: () => body.readInt32BE(need(4)),
    text(): string {
      const end = body.indexOf(0, at)
      if (end < 0) throw new ProtocolError('A text has no end.')
      const text = body.toString('utf8', at, end)
      at = end + 1
      return text
    },
    bytes: (length: number): Buffer => body.subarray(need(length), at),
    /** Where it stands. */
    at: () => at,
    rest: (): Buffer => body.subarray(at),
  }
}

/** What a Bind says, cut apart but for its values. */
export interface Bound {
  portal: string
  statement: string
  /** Formats and values of the parameters, as they came. */
  parameters: Buffer
  /** Formats of the columns, as they came. */
  formats: Buffer
}

export function readBind(body: Buffer): Bound {
  const reader = createBodyReader(body)
  const [portal, statement] = [reader.text(), reader.text()]
  const start = reader.at()
  reader.bytes(2 * reader.int16())
  for (let values = reader.int16(); values > 0; values--) reader.bytes(Math.max(reader.int32(), 0))
  const parameters = body.subarray(start, reader.at())
  return { portal, statement, parameters, formats: reader.rest() }
}

/** No formats: all is text. */
export const AS_TEXT = int16(0)
export const NO_PARAMETERS = Buffer.concat([int16(0), int16(0)])

/** A Bind of the nameless statement to the nameless portal. */
export const bind = (parameters: Buffer, formats: Buffer): Buffer =>
  frame('B', zeroEnded(''), zeroEnded(''), parameters, formats)

/** A RowDescription with the formats that a Bind asked for. */
export function withFormats(description: Buffer, formats: Buffer): Buffer {
  const patched = Buffer.from(description)
  const [columns, count] = [patched.readInt16BE(5), formats.readInt16BE(0)]
  let at = 7
  for (let column = 0; column < columns; column++) {
    at = patched.indexOf(0, at) + 19
    const place = count === 1 ? 0 : column
    if (place < count) patched.writeInt16BE(formats.readInt16BE(2 + 2 * place), at - 2)
  }
  return patched
}

export const parseComplete = frame('1')
export const bindComplete = frame('2')
export const closeComplete = frame('3')
export const noData = frame('n')
export const portalSuspended = frame('s')
export const emptyQuery = frame('I')
export const noParameters = frame('t', int16(0))
/** SSL and GSSAPI are not spoken. */
export const REFUSED = Buffer.from('N')

export const commandComplete = (tag: string) => frame('C', zeroEnded(tag))
/** I outside of transactions, T in one, E in one that failed. */
export const readyForQuery = (status: 'I' | 'T' | 'E') => frame('Z', Buffer.from(status))
export const parameterStatus = (name: string, value: string) => frame('S', zeroEnded(name), zeroEnded(value))
export const backendKeyData = (id: number, secret: number) => frame('K', int32(id), int32(secret))
export const authentication = (kind: number, ...more: Buffer[]) => frame('R', int32(kind), ...more)

/** An error as clients show it; `position` counts characters of the statement from 1. */
export function errorResponse(
  severity: 'ERROR' | 'FATAL',
  code: string,
  message: string,
  position?: number,
): Buffer {
  const fields = [
    ...['S', 'V'].map((field) => zeroEnded(field + severity)),
    zeroEnded(`C${code}`),
    zeroEnded(`M${message}`),
    ...(position === undefined || position < 1 ? [] : [zeroEnded(`P${position}`)]),
  ]
  return frame('E', ...fields, Buffer.from([0]))
}
