// WebAssembly modules that are made to share their memory.
import { describe, expect, it } from 'vitest'
import { withSharedMemory } from '../../../../src/platform/database/pglite-program.mjs'

/** A module that imports a memory of these limits behind a global, and holds a custom section. */
const moduleOf = (...limits: number[]) => {
  const text = (value: string) => [value.length, ...Buffer.from(value)]
  const global = [...text('env'), ...text('g'.repeat(100)), 3, 0x7f, 0]
  const imports = [2, ...global, ...text('env'), ...text('memory'), 2, ...limits]
  const size = [(imports.length & 127) | 128, imports.length >> 7]
  const custom = [0, 5, ...text('note')]
  return Uint8Array.from([0, 0x61, 0x73, 0x6d, 1, 0, 0, 0, ...custom, 2, ...size, ...imports, ...custom])
}

interface Memory {
  buffer: SharedArrayBuffer
}
const { WebAssembly } = globalThis as unknown as {
  WebAssembly: {
    Memory: new (limits: object) => Memory
    Module: new (bytes: Uint8Array) => object
    Instance: new (module: object, imports: object) => object
  }
}

describe('a module that shares its memory', () => {
  it.each([
    ['without a limit', [0, 1]],
    ['of many pages', [0, 128, 16]],
    ['with a limit', [1, 1, 128, 128, 2]],
    ['that is shared', [3, 1, 128, 128, 2]],
  ])('takes a shared memory where it declared one %s', (_title, limits) => {
    const memory = new WebAssembly.Memory({ initial: 2048, maximum: 32_768, shared: true })
    const imports = { env: { memory, [`${'g'.repeat(100)}`]: 1 } }
    const module = new WebAssembly.Module(withSharedMemory(moduleOf(...limits)))
    expect(() => new WebAssembly.Instance(module, imports)).not.toThrow()
    if (limits[0] !== 3)
      expect(() => new WebAssembly.Instance(new WebAssembly.Module(moduleOf(...limits)), imports)).toThrow(
        /shared/,
      )
  })

  it('imports one', () => {
    expect(() => withSharedMemory(Uint8Array.from([0, 0x61, 0x73, 0x6d, 1, 0, 0, 0]))).toThrow(
      'imports no memory',
    )
  })
})
