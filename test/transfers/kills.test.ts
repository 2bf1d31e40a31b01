import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { assembledTree } from '../assembled.ts';
import { Cargo, HEAVY, MEBIBYTE, PARTED } from './cargo.ts';
import { describeTransferKill, planTransferKill, type TransferKill } from './kill-plan.ts';
import { type Ground, playTransferKill, prepareGround } from './kill-trial.ts';
import type { Resent } from './resent.ts';
import { chooseTrials, repeatCommand } from './trials.ts';

const { seed, indexes } = chooseTrials('SLIPWAY_TRANSFER_KILLS', 15);
let grounds: readonly Ground[];

beforeAll(async () => {
  const tree = await assembledTree();
  grounds = [
    await prepareGround(tree, await Cargo.load(HEAVY), ['sync']),
    await prepareGround(tree, await Cargo.load(PARTED), ['bundle', 'upload-file', 'upload-plugin']),
  ];
});

const resents: Resent[] = [];

afterAll(() => {
  const sum = (figure: (resent: Resent) => number): number => resents.reduce((all, one) => all + figure(one), 0);
  const mebibytes = (bytes: number): string => `${(bytes / MEBIBYTE).toFixed(1)} MiB`;
  process.stdout.write(
    `${resents.length} kills, ${sum(({ underWay }) => underWay)} blobs or parts under way; sent again: ` +
      `${mebibytes(sum(({ bytes }) => Math.max(0, bytes)))} of ${mebibytes(sum(({ allowed }) => allowed))} that may be lost\n`,
  );
});
afterAll(() => Promise.all(grounds.map(({ cargo }) => cargo.close())));

function groundOf({ job }: TransferKill): Ground {
  const found = grounds.find(({ calm }) => [...calm.keys()].some((key) => key.startsWith(`${job} `)));
  if (found === undefined) throw new Error(`there is no ground for ${job}`);
  return found;
}

describe(`a transfer whose process is killed (seed ${seed})`, () => {
  const kills = indexes.map((index) => [index, planTransferKill(seed, index)] as const);

  it.each(kills.map(([index, kill]) => [index, describeTransferKill(kill), kill] as const))(
    '%i: %s',
    async (index, _, kill) => {
      const { wrongs, resent, second } = await playTransferKill(groundOf(kill), kill);
      resents.push(resent);
      const repeat = `repeat it alone: ${repeatCommand('kill', seed, index)}`;
      expect(second.code, `${repeat}\n${second.log}`).toBe(0);
      expect(wrongs, repeat).toEqual([]);
      expect(resent.bytes, `${repeat}\n${resent.underWay} were under way`).toBeLessThanOrEqual(resent.allowed);
    },
  );
});
