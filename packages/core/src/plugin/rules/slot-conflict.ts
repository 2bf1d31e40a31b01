import { CONFIGURATION_FILE } from '../../configuration/configuration.ts';
import { judgeContest } from '../conflict.ts';
import { quote } from '../quote.ts';
import type { FileRule } from '../rule.ts';

export const slotConflict: FileRule = {
  id: 'slot-conflict',
  level: 'error',
  description:
    'A slot belongs to one plugin unless `plugins.slots.shared` lists it; a conflict between files that the pull request does not touch, or with another open pull request, only warns.',
  judges: 'file',
  *judge(file, { configuration, claims, foreignClaims }) {
    if (file.plugin === undefined) return;
    const shared = new Set(configuration.plugins.slots.shared);
    for (const [slot, pointer] of file.spec.slots) {
      if (shared.has(slot)) continue;
      yield* judgeContest({
        what: `Slot ${quote(slot)}`,
        file,
        pointer,
        claims: claims.ofSlot(slot),
        foreignClaims: foreignClaims.ofSlot(slot),
        fix:
          'Fill another slot, or take it away from the other plugin; if several plugins may fill it, ' +
          `add ${quote(slot)} to plugins.slots.shared in ${CONFIGURATION_FILE}.`,
      });
    }
  },
};
