// Does something whenever an answer's connection has room for more of it.
import type { Readable } from 'node:stream'

/** Has `around` do each read of the stream, by the function that it is given. */
export function aroundReads(stream: Readable, around: (read: () => void) => void): void {
  const read = stream._read
  stream._read = (size) => around(() => read.call(stream, size))
}
