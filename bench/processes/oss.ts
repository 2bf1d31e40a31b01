/** The sandbox's OSS in a process of its own: `oss.ts <directory>`. It sends its address to its parent. */
import { startOss } from '@slipway/sandbox/oss/server';
import { OSS_BUCKET, OSS_KEY, OSS_REGION } from '../oss.ts';

const [directory = ''] = process.argv.slice(2);
const { url } = await startOss({ directory, region: OSS_REGION, buckets: [OSS_BUCKET], credentials: [OSS_KEY] });
process.send?.({ url });
process.once('disconnect', () => process.exit());
