// What happens to models and prompts that others want to hear of: names, payloads, and how a room tells of it.

interface Named {
  name: string
}
interface Described extends Named {
  tags: Record<string, string>
  description: string | null
}
interface OfVersion extends Named {
  /** Decimal digits, as the client spelled them. */
  version: string
}
interface Alias extends Named {
  alias: string
}
interface VersionAlias extends Alias {
  version: string
}
interface Keyed {
  key: string
}
interface Tag extends Keyed {
  value: string
}

/** How an execution of a retention policy went. */
interface RetentionRun {
  execution_id: string
  policy_id: string
  policy_name: string
  tags: string[]
  target: string
  strategy: string
  state: string
  rows: number
  bytes: number
  started_at: number
  ended_at?: number | undefined
  message?: string | undefined
}

/** Events of this server's own, which MLflow does not know. */
export interface OwnEventPayloads {
  'retention.policy_changed': {
    policy_id: string
    policy_name: string
    /** created, updated or deleted. */
    change: string
    version: number
    user_id: string | null
  }
  /** It succeeded, or was cancelled. */
  'retention.run_finished': RetentionRun
  'retention.run_failed': RetentionRun
}

export const OWN_EVENTS = [
  'retention.policy_changed',
  'retention.run_finished',
  'retention.run_failed',
] as const
export type OwnEventName = (typeof OWN_EVENTS)[number]

/**
 * Payload of each event, its fields in the order in which receivers get them.
 * @see mlflow/webhooks/types.py
 */
export interface EventPayloads extends OwnEventPayloads {
  'registered_model.created': Described
  'model_version.created': OfVersion & { source: string; run_id: string | null } & Described
  'model_version_tag.set': OfVersion & Tag
  'model_version_tag.deleted': OfVersion & Keyed
  'model_version_alias.created': VersionAlias
  'model_version_alias.deleted': Alias
  'prompt.created': Described
  'prompt_version.created': OfVersion & { template: string | null } & Described
  'prompt_tag.set': Named & Tag
  'prompt_tag.deleted': Named & Keyed
  'prompt_version_tag.set': OfVersion & Tag
  'prompt_version_tag.deleted': OfVersion & Keyed
  'prompt_alias.created': VersionAlias
  'prompt_alias.deleted': Alias
}

export type EventName = keyof EventPayloads

/** An event: its name, and what there is to tell. */
export type RaisedEvent = { [E in EventName]: { name: E; payload: EventPayloads[E] } }[EventName]

export interface Events {
  /**
   * Tells of a change that the database has taken. Call it before the change is acknowledged: once it resolves, the
   * event is kept until whoever wants it has it.
   * @param names what the event may turn out to be
   * @param tell answers the event, undefined for none; called only when somebody wants to hear one of the names
   * @throws TEMPORARILY_UNAVAILABLE when the event could not be kept; the change must not be acknowledged then
   */
  raise(names: readonly EventName[], tell: () => Promise<RaisedEvent | undefined>): Promise<void>
}
