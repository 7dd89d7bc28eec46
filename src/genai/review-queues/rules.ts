// What names, users, label schemas and items of review queues must be, and how they are spelled once they are stored.
import { invalidParameter } from '../../errors.ts'
import { pythonTrim } from '../../platform/search/quotes.ts'
import { lengthOf } from '../../platform/wire/names.ts'
import { pythonRepr } from '../../platform/wire/python.ts'
import type { ItemStatus, QueueType } from './tables.ts'

/** Widths of MLflow's columns, in characters. */
const MAX_NAME_LENGTH = 250
const MAX_USER_LENGTH = 250
const MAX_SCHEMA_ID_LENGTH = 36
const MAX_ITEM_ID_LENGTH = 50
const MAX_USERS = 10
/** The user of servers without authentication, whose queue no other one may take the name of. */
const RESERVED_NAME = 'default'

function checkText(text: string, field: string, limit: number): string {
  if (text === '') throw invalidParameter(`\`${field}\` must be a non-empty string; got ''.`)
  const length = lengthOf(text)
  if (length <= limit) return text
  throw invalidParameter(`\`${field}\` must be at most ${limit} characters; got ${length}.`)
}

const inOrder = (texts: Iterable<string>): string[] =>
  [...texts].sort((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b)))

/** Users are told apart without regard to case and outer blanks. */
export const readUser = (user: string): string => pythonTrim(user).toLowerCase()

/** The users of a queue, each once, sorted. @throws INVALID_PARAMETER_VALUE beyond 10 */
export function readUsers(given: readonly string[]): string[] {
  const users = new Set(given.map((user) => checkText(readUser(user), 'user', MAX_USER_LENGTH)))
  if (users.size <= MAX_USERS) return inOrder(users)
  throw invalidParameter(`A review queue can have at most ${MAX_USERS} assigned users; got ${users.size}.`)
}

/** The ids, each once, in the given order. @throws INVALID_PARAMETER_VALUE */
export const readSchemaIds = (given: readonly string[]): string[] => [
  ...new Set(given.map((id) => checkText(pythonTrim(id), 'schema_id', MAX_SCHEMA_ID_LENGTH))),
]

/** As queues keep them. */
export const sortSchemaIds = inOrder

/** The name of a queue that is nobody's own. @throws INVALID_PARAMETER_VALUE */
export function readCustomName(given: string): string {
  const name = checkText(pythonTrim(given), 'name', MAX_NAME_LENGTH)
  if (name.toLowerCase() !== RESERVED_NAME) return name
  throw invalidParameter(`\`${name}\` is a reserved queue name and cannot be used for a custom queue.`)
}

/** @throws INVALID_PARAMETER_VALUE */
export const readOwner = (given: string): string => checkText(pythonTrim(given), 'new_owner', MAX_USER_LENGTH)

/** The ids, each once, in the given order. @throws INVALID_PARAMETER_VALUE, for none as well */
export function readItemIds(given: readonly string[]): string[] {
  if (given.length === 0) throw invalidParameter('`item_ids` must be a non-empty list; got [].')
  return [...new Set(given.map((id) => checkText(readItemId(id), 'item_id', MAX_ITEM_ID_LENGTH)))]
}

export const readItemId = (given: string): string => pythonTrim(given)

export interface NewQueue {
  queueType: QueueType
  name: string
  users: string[]
  schemaIds: string[]
}

/**
 * A queue that is to be made. That of a user has his name and him alone, and no schemas: all of the experiment's are
 * his questions.
 * @throws INVALID_PARAMETER_VALUE
 * @see mlflow/genai/review_queues/validation.py validate_queue_for_create
 */
export function readNewQueue(given: {
  name: string
  queueType: QueueType
  users: readonly string[]
  schemaIds: readonly string[]
}): NewQueue {
  const { queueType } = given
  const users = readUsers(given.users)
  const schemaIds = readSchemaIds(given.schemaIds)
  if (queueType === 'custom') return { queueType, name: readCustomName(given.name), users, schemaIds }
  const name = checkText(readUser(given.name), 'name', MAX_NAME_LENGTH)
  if (users.length > 1 || (users.length === 1 && users[0] !== name)) {
    const named = [...new Set(given.users.map(readUser))].map(pythonRepr).join(', ')
    throw invalidParameter(
      `A user queue must have exactly one assigned user equal to its name; got name=${pythonRepr(name)} and users=[${named}].`,
    )
  }
  if (schemaIds.length > 0) {
    throw invalidParameter(
      "A user queue cannot have explicitly-attached schemas; it resolves to all of the experiment's label schemas.",
    )
  }
  return { queueType, name, users: [name], schemaIds }
}

/**
 * Who ended the review of an item; nobody when it is to be reviewed again.
 * @throws INVALID_PARAMETER_VALUE when that is left open, or said where it must not be
 * @see mlflow/store/tracking/sqlalchemy_store.py set_review_queue_item_status
 */
export function readCompletedBy(status: ItemStatus, given: string | undefined): string | null {
  const user = given === undefined ? undefined : readUser(given)
  if (status === 'pending') {
    if (user === undefined) return null
    throw invalidParameter('`completed_by` must not be set when reopening an item to `pending`.')
  }
  if (!user) throw invalidParameter(`\`completed_by\` is required when setting status to \`${status}\`.`)
  return checkText(user, 'completed_by', MAX_USER_LENGTH)
}
