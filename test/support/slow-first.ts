// The order of test files: those that take minutes begin first, so that none of them runs alone at the end. Browsers wait much: two of
// them side by side leave the machine idle.
import { BaseSequencer, type TestSpecification } from 'vitest/node'

/** Files and folders, the slowest first. */
const SLOW = [
  'test/browser/ui-cratedb',
  'test/python/',
  'test/browser/',
  'test/race/',
  'test/cli/',
  'test/api/registry/webhooks/delivery',
]

const rank = ({ moduleId }: TestSpecification): number => {
  const index = SLOW.findIndex((folder) => moduleId.includes(folder))
  return index < 0 ? SLOW.length : index
}

export class SlowFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    return (await super.sort(files)).sort((a, b) => rank(a) - rank(b))
  }
}
