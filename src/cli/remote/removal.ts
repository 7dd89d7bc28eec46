// Deleting and restoring: all is found first, then asked for once, then done one by one.
import { confirm } from '../confirm.ts'
import { EXIT } from '../errors.ts'
import { print } from '../print.ts'
import { visible } from '../visible.ts'
import type { Asked } from './asked.ts'

export interface Change<Thing> {
  /** As in `Deleted run 0193…`. */
  done: string
  describe: (thing: Thing) => string
  /** What else there is to say before it is asked; absent: it is not asked. */
  question?: string
  change: (thing: Thing) => Promise<unknown>
}

/**
 * Changes things in turn and prints a line for each. Where it stops, the lines tell what was done.
 * @returns the exit code
 */
export async function changeAll<Thing>(
  { yes }: Asked,
  things: readonly Thing[],
  { done, describe, question, change }: Change<Thing>,
): Promise<number> {
  if (question !== undefined && !yes) {
    const answer = await ask(things.map(describe), question)
    if (answer !== 'yes') {
      print('Nothing was deleted.')
      return answer === 'interrupted' ? EXIT.interrupted : EXIT.failure
    }
  }
  for (const thing of things) {
    await change(thing)
    print(`${done} ${visible(describe(thing))}`)
  }
  return EXIT.ok
}

/** How many things are named before it is asked. */
const NAMED = 20

function ask(described: readonly string[], question: string) {
  const { length } = described
  print(length === 1 ? 'This will be deleted:' : `These ${length} will be deleted:`)
  for (const text of described.slice(0, NAMED)) print(`  ${visible(text)}`)
  if (length > NAMED) print(`  and ${length - NAMED} more`)
  return confirm(`${question} Type yes: `)
}
