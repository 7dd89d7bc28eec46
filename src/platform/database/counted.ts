// Counts and times statements.
import { measures } from '../measures.ts'

const { statements, statementSeconds, statementsUnderWay } = measures

/** The answer of so many statements as it is; they are counted when it comes, and nobody waits longer for that. */
export function counted<T>(number: number, answer: Promise<T>): Promise<T> {
  const began = performance.now()
  statementsUnderWay.add(number)
  const end = (outcome: 'answered' | 'failed') => () => {
    statementsUnderWay.add(-number)
    statements.add(number, outcome)
    statementSeconds.add((performance.now() - began) / 1000)
  }
  answer.then(end('answered'), end('failed'))
  return answer
}
