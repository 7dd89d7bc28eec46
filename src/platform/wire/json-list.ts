// The JSON text of a list that comes in chunks, so that memory does not grow with the list.
import { stringify } from './int64.ts'

/** Writes `{"<name>":[…]}` with the fields of `rest` behind the list; an empty list is left out, as protobuf does. */
export async function* writeList(
  name: string,
  chunks: AsyncIterable<readonly unknown[]>,
  rest: Record<string, string | undefined> = {},
): AsyncGenerator<string> {
  let isOpen = false
  for await (const chunk of chunks) {
    if (chunk.length === 0) continue
    yield (isOpen ? ',' : `{${JSON.stringify(name)}:[`) + stringify(chunk).slice(1, -1)
    isOpen = true
  }
  const tail = stringify(rest).slice(1)
  yield isOpen ? `]${tail === '}' ? tail : `,${tail}`}` : `{${tail}`
}

/**
 * The same chunks, of which the first one is there when this resolves and one more is under way while a chunk is
 * being used: errors of the first one come before the answer begins, and the database works meanwhile.
 */
export async function readAhead<T>(chunks: AsyncGenerator<T>): Promise<AsyncGenerator<T>> {
  let current = await chunks.next()
  return (async function* () {
    try {
      while (!current.done) {
        const next = chunks.next()
        // Whoever uses the chunk may stop there; then nobody asks for the next one, nor for its error.
        next.catch(() => {})
        yield current.value
        current = await next
      }
    } finally {
      await chunks.return(undefined)
    }
  })()
}
