// @ts-check
// WebAssembly modules whose memory is shared with other threads, which those of PGlite do not declare.

/** 2 GiB, PGlite's own limit. */
export const MAXIMUM_PAGES = 32_768

const IMPORTS = 2
const MEMORY = 2
const HAS_MAXIMUM = 1
const IS_SHARED = 2

/**
 * The same module with the memory that it imports declared as shared, which takes a limit.
 * @param {Uint8Array} bytes
 * @throws Error when it imports no memory
 * @see https://webassembly.github.io/threads/core/binary/modules.html#import-section
 */
export function withSharedMemory(bytes) {
  const { section, memory } = memoryOf(bytes)
  const limits = [
    HAS_MAXIMUM | IS_SHARED,
    ...encodeNumber(memory.minimum),
    ...encodeNumber(memory.maximum ?? MAXIMUM_PAGES),
  ]
  const size = section.end - section.begin - (memory.end - memory.begin) + limits.length
  return Buffer.concat([
    bytes.subarray(0, section.sizeAt),
    Uint8Array.from(encodeNumber(size)),
    bytes.subarray(section.begin, memory.begin),
    Uint8Array.from(limits),
    bytes.subarray(memory.end),
  ])
}

/**
 * Where the section of imports is, and the limits of the memory in it.
 * @param {Uint8Array} bytes
 */
function memoryOf(bytes) {
  let at = 8
  const readByte = () => bytes[at++] ?? 0
  function readNumber() {
    let number = 0
    for (let shift = 0; ; shift += 7) {
      const byte = readByte()
      number |= (byte & 127) << shift
      if (byte < 128) return number
    }
  }
  const skipText = () => {
    const length = readNumber()
    at += length
  }
  function readLimits() {
    const begin = at
    const hasMaximum = readByte() & HAS_MAXIMUM
    const minimum = readNumber()
    const maximum = hasMaximum ? readNumber() : undefined
    return { begin, minimum, maximum, end: at }
  }
  /** By the kind of an import: function, table, memory, global, tag. */
  const skip = [
    readNumber,
    () => {
      readByte()
      readLimits()
    },
    readLimits,
    () => {
      at += 2
    },
    () => {
      readByte()
      readNumber()
    },
  ]
  while (at < bytes.length) {
    const id = readByte()
    const sizeAt = at
    const size = readNumber()
    const section = { sizeAt, begin: at, end: at + size }
    if (id === IMPORTS) {
      for (let imports = readNumber(); imports > 0; imports--) {
        // The names of the module and of the import.
        skipText()
        skipText()
        const kind = readByte()
        if (kind === MEMORY) return { section, memory: readLimits() }
        skip[kind]?.()
      }
    }
    at = section.end
  }
  throw new Error('The WebAssembly module imports no memory.')
}

/** @param {number} number */
function encodeNumber(number) {
  const bytes = []
  let rest = number
  for (; rest > 127; rest >>>= 7) bytes.push((rest & 127) | 128)
  return [...bytes, rest]
}
