// Keeps PGlite's compiled program in this process: its threads share it as long as somebody holds it; else each of
// them compiles it anew, which takes half of the time that a database takes to open.
import { readFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'

let program: Promise<WebAssembly.Module> | undefined

export async function holdProgram(): Promise<void> {
  const { resolve } = createRequire(import.meta.url)
  const file = join(dirname(resolve('@electric-sql/pglite')), 'pglite.wasm')
  program ??= readFile(file).then((bytes) => WebAssembly.compile(bytes))
  await program
}
