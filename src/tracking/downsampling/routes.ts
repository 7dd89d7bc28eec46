// REST of buckets of old points, below a prefix of this server's own.
import { type Endpoint, endpoint } from '../../platform/http/route.ts'
import type { BucketReader } from './reading.service.ts'
import { BucketsWire, GetBuckets } from './schema.ts'

export const bucketEndpoints = (readBuckets: BucketReader): Endpoint[] => [
  endpoint({
    method: 'GET',
    path: '/crateflow/1.0/metrics/get-buckets',
    tag: 'metrics',
    summary: 'Buckets that old points of a metric of a run were put into (not part of MLflow)',
    request: GetBuckets,
    response: BucketsWire,
    handle: readBuckets,
  }),
]
