// Who asks for what this wing does for good.
import type { IncomingHttpHeaders } from 'node:http'
import { isStorableText } from '../platform/wire/message.ts'

const MAX_USER_LENGTH = 250

/** Whom the request's header names, which a proxy sets that knows its users. */
export function userOf({ headers: { user } }: { headers: IncomingHttpHeaders }): string | null {
  const name = [user].flat()[0]
  return name && isStorableText(name) ? name.slice(0, MAX_USER_LENGTH) : null
}
