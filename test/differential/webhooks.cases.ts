// Cases of webhooks: what is taken, what is refused, lists.
import { list, object, TYPE_MUST_MATCH } from '../support/compare.ts'
import { type Case, get, known, post, type Step, send, unreadable } from './cases.ts'
import { WEBHOOK } from './shapes.ts'

const long = (length: number) => 'x'.repeat(length)
const CREATED = { entity: 'REGISTERED_MODEL', action: 'CREATED' }
const TAG_SET = { entity: 'MODEL_VERSION_TAG', action: 'SET' }
// A public address by itself, so that no name has to be resolved.
const URL = 'https://8.8.8.8/hook'

const create = (body: object = {}): Step =>
  post('webhooks', { name: '<case>-w', url: URL, events: [CREATED], ...body })
const created = (body: object = {}): Step => ({ ...create(body), save: { w: 'webhook.webhook_id' } })
const read: Step = get('webhooks/<w>')
const update = (body: object): Step => send('PATCH', 'webhooks/<w>', body)
const LIST = object({ webhooks: list(WEBHOOK), next_page_token: TYPE_MUST_MATCH })
const badEvent = (events: unknown) => known('webhook event refused', create({ events }))

export const webhookCases: Case[] = [
  {
    title: 'creates, gets, changes and deletes',
    steps: [
      created({ description: 'about it', secret: 'of course', status: 'DISABLED' }),
      read,
      update({ name: '<case>-other', status: 'ACTIVE' }),
      update({ description: '', url: 'https://9.9.9.9/?a=b', secret: 'another' }),
      update({ events: [TAG_SET, CREATED] }),
      update({ events: [], name: '', url: '', secret: '' }),
      update({}),
      read,
      send('DELETE', 'webhooks/<w>'),
      send('DELETE', 'webhooks/<w>'),
      read,
      update({ name: 'x' }),
      update({ name: ' ' }),
      post('webhooks/<w>/test', {}),
    ],
  },
  {
    title: 'takes events of every kind in an order of its own',
    steps: [
      created({
        events: [
          { entity: 'PROMPT_ALIAS', action: 'DELETED' },
          { entity: 'PROMPT', action: 'CREATED' },
          { entity: 'BUDGET_POLICY', action: 'EXCEEDED' },
          { entity: 'PROMPT_VERSION', action: 'CREATED' },
          { entity: 'PROMPT_TAG', action: 'SET' },
          { entity: 'PROMPT_VERSION_TAG', action: 'DELETED' },
          { entity: 'MODEL_VERSION', action: 'CREATED' },
          { entity: 'MODEL_VERSION_ALIAS', action: 'CREATED' },
          TAG_SET,
          { entity: 'MODEL_VERSION_TAG', action: 'DELETED' },
          CREATED,
        ],
      }),
      read,
      created({ events: [{ entity: 2, action: 1 }] }),
      known('repeated event taken once', create({ events: [CREATED, CREATED] })),
      create({ name: '<case>-w' }),
      create({ description: '', secret: '' }),
    ],
  },
  {
    title: 'refuses names, URLs and events',
    steps: [
      post('webhooks', {}),
      create({ name: '' }),
      create({ name: ' ' }),
      create({ name: '-a' }),
      create({ name: "it's" }),
      create({ name: long(64) }),
      create({ name: 5 }),
      create({ url: '' }),
      create({ url: '  ' }),
      create({ url: 'http://8.8.8.8/' }),
      create({ url: 'ftp://8.8.8.8/' }),
      create({ url: '8.8.8.8' }),
      create({ url: 'https://' }),
      create({ url: 'https://:443/' }),
      create({ url: 'https://127.0.0.1/' }),
      create({ url: 'https://user:pw@127.0.0.1:8443/a' }),
      create({ url: 'https://8.8.8.8@10.0.0.1/' }),
      create({ url: 'https://169.254.169.254/latest/meta-data' }),
      create({ url: 'https://[::1]/' }),
      create({ url: 'https://[::ffff:10.0.0.1]/' }),
      create({ url: 'https://[64:ff9b::a00:1]/' }),
      create({ url: 'https://[2002:7f00:1::]/' }),
      create({ url: 'https://100.64.0.1/' }),
      create({ url: 'https://127.1/' }),
      known('column width kept', create({ url: `${URL}${long(500)}` })),
      known('column width kept', create({ description: long(1001) })),
      create({ events: [] }),
      create({ events: 'REGISTERED_MODEL' }),
      create({ events: [{ entity: 'REGISTERED_MODEL', action: 'DELETED' }] }),
      create({ events: [{ entity: 'MODEL_VERSION_TAG', action: 'UPDATED' }] }),
      badEvent([{ entity: 'REGISTERED_MODEL' }]),
      badEvent([{}]),
      unreadable(create({ events: [{ entity: 'NONE', action: 'SET' }] })),
      create({ status: 1 }),
      unreadable(create({ status: 'PAUSED' })),
      created(),
      update({ url: 'https://10.0.0.1/' }),
      update({ name: 'a b' }),
      update({ events: [{ entity: 'PROMPT', action: 'SET' }] }),
      read,
      get('webhooks/none'),
      send('DELETE', 'webhooks/none'),
      send('PATCH', 'webhooks/none', { name: 'a b' }),
    ],
  },
  {
    title: 'refuses sizes of pages and tokens',
    steps: [
      get('webhooks', { max_results: '1001' }),
      get('webhooks', { max_results: '-1' }),
      get('webhooks', { max_results: 'x' }),
      known('page token named as sent', get('webhooks', { page_token: 'x' })),
    ],
  },
]

/** Lists show all webhooks there are, so these come first. */
export const webhookListCases: Case[] = [
  {
    title: 'lists the newest first, page by page',
    steps: [
      { ...get('webhooks'), shape: LIST },
      created({ name: 'first' }),
      { ...created({ name: 'second' }), save: { v: 'webhook.webhook_id' } },
      { ...created({ name: 'third' }), save: { u: 'webhook.webhook_id' } },
      { ...get('webhooks'), shape: LIST },
      { ...get('webhooks', { max_results: '2' }), shape: LIST, save: { next: 'next_page_token' } },
      { ...get('webhooks', { max_results: '2', page_token: '<next>' }), shape: LIST },
      { ...get('webhooks', { max_results: '0' }), shape: LIST },
      send('DELETE', 'webhooks/<w>'),
      send('DELETE', 'webhooks/<v>'),
      send('DELETE', 'webhooks/<u>'),
    ],
  },
]
