// The recorder's log: what was done to files, in order. A position in it is a moment at which the power may fail.
import { closeSync, fstatSync, openSync, readSync, statSync, writeSync } from 'node:fs'

export type Operation =
  | { op: 'create'; path: string; ino: number; kind: 'file' | 'folder' }
  | { op: 'write'; ino: number; position: number; zeros?: number }
  | { op: 'size'; ino: number; size: number }
  | { op: 'rename'; from: string; to: string }
  | { op: 'link'; path: string; ino: number }
  | { op: 'unlink'; path: string }
  /** A sync covers what was noted before its begin, once its end is noted. */
  | { op: 'begin'; ino: number; sync: string }
  | { op: 'end'; sync: string }

/** Data is that of a write without `zeros`. */
export type LogRecord = Operation & {
  data: Buffer
  /** Where the record ends in the log. */
  end: number
}

const LENGTHS = 8

export const positionIn = (file: string): number => statSync(file).size

/** The records that end at a position or before. */
export function* readLog(file: string, until = Number.POSITIVE_INFINITY): Generator<LogRecord> {
  const fd = openSync(file, 'r')
  try {
    const size = Math.min(fstatSync(fd).size, until)
    const lengths = Buffer.alloc(LENGTHS)
    for (let at = 0; at + LENGTHS <= size; ) {
      readSync(fd, lengths, 0, LENGTHS, at)
      const headerLength = lengths.readUInt32LE(0)
      const rest = Buffer.alloc(headerLength + lengths.readUInt32LE(4))
      const end = at + LENGTHS + rest.length
      if (end > size) return
      readSync(fd, rest, 0, rest.length, at + LENGTHS)
      const operation = JSON.parse(rest.toString('utf8', 0, headerLength)) as Operation
      const data = rest.subarray(headerLength)
      yield { ...operation, data, end }
      at = end
    }
  } finally {
    closeSync(fd)
  }
}

/** Adds records to the log, for what was done to files by others than the recorded server. */
export function appendToLog(file: string, records: (Operation & { data?: Buffer })[]): void {
  const fd = openSync(file, 'a')
  for (const { data = Buffer.alloc(0), ...operation } of records) {
    const header = Buffer.from(JSON.stringify(operation))
    const lengths = Buffer.alloc(LENGTHS)
    lengths.writeUInt32LE(header.length, 0)
    lengths.writeUInt32LE(data.length, 4)
    writeSync(fd, Buffer.concat([lengths, header, data]))
  }
  closeSync(fd)
}
