// Messages of PostgreSQL's wire protocol as they come from the embedded database: cut apart, not understood.

export interface Frame {
  /** The letter that tells what it is, such as D for a row and Z for the end of an answer. */
  type: string
  /** What stands behind its length. */
  body: Buffer
  /** All of it, to be passed on. */
  whole: Buffer
}

/** Bytes of the letter and of the length, which counts itself. */
const HEAD = 5

/** @throws Error when the last message is not whole */
export function framesOf(bytes: Uint8Array): Frame[] {
  const all = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length)
  const frames: Frame[] = []
  for (let at = 0; at < all.length; ) {
    const end = at + 1 + all.readInt32BE(at + 1)
    if (end > all.length) throw new Error('The embedded database sent half a message.')
    frames.push({
      type: String.fromCharCode(all[at] ?? 0),
      body: all.subarray(at + HEAD, end),
      whole: all.subarray(at, end),
    })
    at = end
  }
  return frames
}

/** Frames up to each ReadyForQuery, which is left out. */
export function sectionsOf(frames: readonly Frame[]): Frame[][] {
  const sections: Frame[][] = []
  let section: Frame[] = []
  for (const frame of frames) {
    if (frame.type !== 'Z') section.push(frame)
    else {
      sections.push(section)
      section = []
    }
  }
  return sections
}

/** A message of the letter, with what it holds. */
export function frame(type: string, ...parts: readonly Buffer[]): Buffer {
  const body = Buffer.concat(parts)
  const head = Buffer.alloc(HEAD)
  head.write(type, 0, 'latin1')
  head.writeInt32BE(body.length + 4, 1)
  return Buffer.concat([head, body])
}

/** A text with the zero behind it that ends texts in the protocol. */
export const zeroEnded = (text: string) => Buffer.from(`${text}\0`)

export function int16(value: number): Buffer {
  const bytes = Buffer.alloc(2)
  bytes.writeInt16BE(value)
  return bytes
}

export function int32(value: number): Buffer {
  const bytes = Buffer.alloc(4)
  bytes.writeInt32BE(value)
  return bytes
}
