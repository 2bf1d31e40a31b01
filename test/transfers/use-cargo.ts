import { afterAll, beforeAll } from 'vitest';
import { assembledTree } from '../assembled.ts';
import { Cargo, type CargoPlan } from './cargo.ts';
import { makePackage, type PlaceOptions, TransferPlace } from './place.ts';

/** Opens a place in which what a file of tests moves is ready to be moved. */
export type OpenPlace = (more?: Partial<PlaceOptions>) => Promise<TransferPlace>;

/** Makes what a file of tests moves, before the first of them, and returns how they open their places. */
export function useCargo(plan: CargoPlan): OpenPlace {
  let options: PlaceOptions | undefined;
  beforeAll(async () => {
    const tree = await assembledTree();
    const cargo = await Cargo.load(plan);
    options = { tree, cargo, package: await makePackage(tree, cargo) };
  });
  afterAll(() => options?.cargo.close());
  return (more = {}) => {
    if (options === undefined) throw new Error('places are opened in tests');
    return TransferPlace.open({ ...options, ...more });
  };
}
