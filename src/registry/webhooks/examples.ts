// What a webhook gets when it is tried out. @see mlflow/webhooks/types.py
import type { EventPayloads, OwnEventName, OwnEventPayloads } from '../../events.ts'

const tags = { example_key: 'example_value' }
const model = { name: 'example_model' }
const prompt = { name: 'example_prompt' }
const key = 'example_key'
const value = 'example_value'
const alias = 'example_alias'
const version = '1'

const retentionRun = {
  execution_id: '0198c1f2a3b47d5e8f6a7b8c9d0e1f2a',
  policy_id: 'p-5f0c1d2e3a4b5c6d',
  policy_name: 'example_policy',
  tags: [],
  target: 'doc.example',
  strategy: 'delete',
  rows: 0,
  bytes: 0,
  started_at: 1704067200000,
  ended_at: 1704067201000,
}

/** The same of this server's own events. */
export const OWN_EXAMPLES = {
  'retention.policy_changed': {
    policy_id: 'p-5f0c1d2e3a4b5c6d',
    policy_name: 'example_policy',
    change: 'updated',
    version: 2,
    user_id: null,
  },
  'retention.run_finished': { ...retentionRun, state: 'succeeded' },
  'retention.run_failed': { ...retentionRun, state: 'failed', message: 'An example' },
} satisfies OwnEventPayloads

/** An example payload of each event that webhooks may ask for; budgets are never exceeded here, for there are none. */
export const EXAMPLES = {
  'registered_model.created': { ...model, tags, description: 'An example registered model' },
  'model_version.created': {
    ...model,
    version,
    source: 'models:/123',
    run_id: 'abcd1234abcd5678',
    tags,
    description: 'An example model version',
  },
  'model_version_tag.set': { ...model, version, key, value },
  'model_version_tag.deleted': { ...model, version, key },
  'model_version_alias.created': { ...model, alias, version },
  'model_version_alias.deleted': { ...model, alias },
  'prompt.created': { ...prompt, tags, description: 'An example prompt' },
  'prompt_version.created': {
    ...prompt,
    version,
    template: 'Hello {{name}}!',
    tags,
    description: 'An example prompt version',
  },
  'prompt_tag.set': { ...prompt, key, value },
  'prompt_tag.deleted': { ...prompt, key },
  'prompt_version_tag.set': { ...prompt, version, key, value },
  'prompt_version_tag.deleted': { ...prompt, version, key },
  'prompt_alias.created': { ...prompt, alias, version },
  'prompt_alias.deleted': { ...prompt, alias },
  'budget_policy.exceeded': {
    budget_policy_id: 'bp-abc123',
    budget_unit: 'USD',
    budget_amount: 100,
    current_spend: 105.5,
    duration_unit: 'MONTHS',
    duration_value: 1,
    target_scope: 'ENDPOINT',
    workspace: 'default',
    target_value: 'ep-abc123',
    window_start: 1704067200000,
  },
} satisfies Omit<EventPayloads, OwnEventName> & Record<string, object>

export type WebhookEventName = keyof typeof EXAMPLES | OwnEventName
