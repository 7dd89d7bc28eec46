// Rows of reading logged models and the model registry.
import { get, pick, post, told, VARIANTS } from './ask.mjs'
import { VERSIONS } from './plan.mjs'

const LOGGED_PAGE = 100
const first = (list, length) => list.slice(0, length)

/** Metrics are distinct, so that they give an order; without one, only the number of models is told. */
const searchLogged = (title, { filter = () => undefined, meets = () => true, by, scope = () => true }) => ({
  title: `logged-models/search: ${title}`,
  needs: 'models',
  ask: ({ experimentIds }, v) =>
    post('logged-models/search', {
      experiment_ids: experimentIds.filter((_, index) => scope(index)),
      filter: filter(v),
      max_results: LOGGED_PAGE,
      order_by: [by ?? { field_name: 'creation_time', ascending: false }],
    }),
  read: ({ models = [] }) => (by ? told(models.map(({ info }) => info.name)) : `${models.length} models`),
  expected: (plan, v) => {
    const found = plan.loggedModels
      .filter((model) => scope(model.experiment) && meets(model, v))
      .sort((a, b) => b.metrics.model_accuracy - a.metrics.model_accuracy)
    const page = first(found, LOGGED_PAGE)
    return by ? told(page.map(({ name }) => name)) : `${page.length} models`
  },
})

const BEST = { field_name: 'metrics.model_accuracy', ascending: false }
const inFirst = (index) => index === 0

export const LOGGED_MODEL_ROWS = [
  {
    title: 'logged-models/get',
    needs: 'models',
    ask: ({ loggedModelIds }, v) => get(`logged-models/${loggedModelIds[pick(loggedModelIds, v)]}`),
    read: ({ model }) => `${model.info.name}: ${model.data.metrics.length} metrics`,
    expected: (plan, v) => `${plan.loggedModels[pick(plan.loggedModels, v)].name}: 2 metrics`,
  },
  searchLogged('newest', { scope: inFirst }),
  searchLogged('newest of 100 experiments', {}),
  searchLogged('by metric', { by: BEST }),
  searchLogged('tag =', {
    filter: (v) => `tags.team = 'team-${v}'`,
    meets: ({ tags }, v) => tags.team === `team-${v}`,
  }),
  searchLogged('name LIKE', {
    filter: (v) => `name LIKE '%${v}'`,
    meets: ({ name }, v) => name.endsWith(String(v)),
    by: BEST,
  }),
  searchLogged('metric, param, tag; by metric', {
    filter: (v) => `metrics.model_accuracy > 0.2 AND params.depth = '${v}' AND tags.reviewed = 'yes'`,
    meets: ({ metrics, params, tags }, v) =>
      metrics.model_accuracy > 0.2 && params.depth === String(v) && tags.reviewed === 'yes',
    by: BEST,
  }),
  searchLogged('metric, param !=, tag LIKE; by metric', {
    filter: (v) =>
      `metrics.model_size < 50 AND params.kernel != 'kernel-${v % 4}' AND tags.team LIKE 'team%${v}'`,
    meets: ({ metrics, params, tags }, v) =>
      metrics.model_size < 50 && params.kernel !== `kernel-${v % 4}` && tags.team === `team-${v}`,
    by: BEST,
  }),
]

const MODEL_PAGE = 100
const nameOf = (plan, v) => plan.registeredModels[pick(plan.registeredModels, v)].name

/** One thing of the registry, told by the variant's model. */
const registered = (title, path, { query = () => ({}), read, expected }) => ({
  title,
  needs: 'registry',
  prepare: async (_, plan) => plan,
  ask: (_, v, plan) => get(path, { name: nameOf(plan, v), ...query() }),
  read,
  expected: (plan, v) => expected(nameOf(plan, v), plan.registeredModels[pick(plan.registeredModels, v)]),
})

const searchModels = (title, { filter, meets = () => true, descending = false }) => ({
  title: `registered-models/search: ${title}`,
  needs: 'registry',
  variants: filter ? VARIANTS : 1,
  ask: (_, v) =>
    get('registered-models/search', {
      ...(filter && { filter: filter(v) }),
      max_results: MODEL_PAGE,
      order_by: `name ${descending ? 'DESC' : 'ASC'}`,
    }),
  read: ({ registered_models: models = [] }) => told(models.map(({ name }) => name)),
  expected: (plan, v) => {
    const names = plan.registeredModels.filter((model) => meets(model, v)).map(({ name }) => name)
    return told(first(descending ? names.reverse() : names, MODEL_PAGE))
  },
})

const searchVersions = (title, { filter, meets, prepare = async () => undefined }) => ({
  title: `model-versions/search: ${title}`,
  needs: 'registry',
  prepare,
  ask: (store, v, plan) =>
    get('model-versions/search', { filter: filter(v, store, plan), max_results: 1000 }),
  read: ({ model_versions: versions = [] }) => told(versions.map(({ source }) => source).sort()),
  expected: (plan, v) => {
    const versions = plan.registeredModels.flatMap((model) =>
      model.versions.map((version) => ({ ...version, name: model.name })),
    )
    return told(
      versions
        .filter((version) => meets(version, v, plan))
        .map(({ source }) => source)
        .sort(),
    )
  },
})

const withPlan = { prepare: async (_, plan) => plan }
const runOf = (plan, v) => plan.registeredModels[pick(plan.registeredModels, v)].versions[v % VERSIONS].run

export const REGISTRY_ROWS = [
  registered('registered-models/get', 'registered-models/get', {
    read: ({ registered_model: model }) =>
      `${model.name}: ${model.tags.length} tags, ${model.aliases.length} aliases`,
    expected: (name) => `${name}: 4 tags, 2 aliases`,
  }),
  registered('registered-models/get-latest-versions', 'registered-models/get-latest-versions', {
    read: ({ model_versions: versions }) => `${versions[0].name} ${versions[0].version}`,
    expected: (name) => `${name} ${VERSIONS}`,
  }),
  registered('registered-models/alias', 'registered-models/alias', {
    query: () => ({ alias: 'champion' }),
    read: ({ model_version: version }) => `${version.name} ${version.version}`,
    expected: (name) => `${name} 3`,
  }),
  registered('model-versions/get', 'model-versions/get', {
    query: () => ({ version: '2' }),
    read: ({ model_version: version }) => `${version.source}: ${version.tags.length} tags`,
    expected: (_, { versions }) => `${versions[1].source}: 4 tags`,
  }),
  searchModels('all', {}),
  searchModels('all, last names first', { descending: true }),
  searchModels('name LIKE', {
    filter: (v) => `name LIKE '%0${v}'`,
    meets: ({ name }, v) => name.endsWith(`0${v}`),
  }),
  searchModels('three tags, equal', {
    filter: (v) => `tags.team = 'v${v}' and tags.framework = 'v${v}' and tags.region = 'v${v % 3}'`,
    meets: ({ tags }, v) =>
      tags.team === `v${v}` && tags.framework === `v${v}` && tags.region === `v${v % 3}`,
  }),
  searchModels('three tags, LIKE and !=', {
    filter: (v) => `tags.team = 'v${v}' and tags.framework != 'v${v}' and tags.owner LIKE 'v${v}%'`,
    meets: ({ tags }, v) =>
      tags.team === `v${v}` && tags.framework !== `v${v}` && tags.owner.startsWith(`v${v}`),
  }),
  searchVersions('name =', {
    ...withPlan,
    filter: (v, _, plan) => `name = '${nameOf(plan, v)}'`,
    meets: ({ name }, v, plan) => name === nameOf(plan, v),
  }),
  searchVersions('run_id =', {
    ...withPlan,
    filter: (v, store, plan) => `run_id = '${store.runIds[runOf(plan, v)]}'`,
    meets: ({ run }, v, plan) => run === runOf(plan, v),
  }),
  searchVersions('two tags', {
    filter: (v) => `tags.owner = 'v${v * 3}' and tags.region = 'v${(v * 3) % 3}'`,
    meets: ({ tags }, v) => tags.owner === `v${v * 3}` && tags.region === `v${(v * 3) % 3}`,
  }),
]
