/**
 * Measures the shipped bundles on this machine: `npm run bench` (all), `npm run bench -- start`, `npm run bench -- memory`.
 *
 * Figures depend on the machine and on what else it does; they decide nothing by themselves.
 */
import { assembleStanding } from '../scripts/release-tree.ts';
import { measureMemory } from './memory.ts';
import { measureStart } from './start.ts';

const [which = 'all'] = process.argv.slice(2);
const tree = await assembleStanding();
if (which === 'all' || which === 'start') console.log(await measureStart(tree));
if (which === 'all' || which === 'memory') console.log(await measureMemory(tree));
